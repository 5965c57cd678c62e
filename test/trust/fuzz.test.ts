// Fuzzing of everything that reads bytes of strangers before they are trusted. FUZZ_SECONDS=600 makes it a long run; what
// breaks is saved in test/trust/crashes (FUZZ_CRASHES) and tried again by every run after.
import { beforeAll } from 'vitest';
import { isTimestamp } from '../../src/metadata/values.ts';
import { readCertificate } from '../../src/signature/certificate.ts';
import { DerError } from '../../src/signature/der.ts';
import { formatName, parseName, sameName } from '../../src/signature/names.ts';
import { issueRevocationList } from '../../src/signature/issue.ts';
import { cachedCertificates } from '../../src/signature/certificate.ts';
import { passGate } from '../../src/signature/gate.ts';
import { examine, examineTools } from '../../src/trust/examine.ts';
import { readRevocationLists } from '../../src/trust/revocation.ts';
import { readStrict } from '../../src/xml/document.ts';
import { NotPlainError, readPlain } from '../../src/xml/read-plain.ts';
import { writeCanonical } from '../../src/xml/write-canonical.ts';
import { fuzz } from './fuzz.ts';
import { mutate, type Random } from './mutate.ts';
import { at, endorser, now, sampleFields, signedSample } from './sample.ts';

const tools = examineTools();
let documents: readonly string[] = [];
let signed: ReadonlySet<string> = new Set();
let pinned: readonly string[] = [];
let ders: readonly Uint8Array[] = [];
let lists: readonly Uint8Array[] = [];

/** What is signed of a document: all of it but the last signature under the root. */
function signedPart(bytes: Uint8Array): string {
  const { document } = readStrict(bytes);
  if (!document) throw new Error('a document that was accepted cannot be read');
  try {
    const signature = document.root.elements.findLast((element) => element.term === 'ds:Signature');
    return writeCanonical(document.root, { exclusive: true, comments: false }, signature);
  } finally {
    document[Symbol.dispose]();
  }
}

beforeAll(async () => {
  const { foreign: _foreign, ...plain } = sampleFields;
  documents = [
    await signedSample(),
    await signedSample('ec-p256', { ...plain, title: 'Another', locations: ['https://evil.example.org/'] }),
    await signedSample('rsa-2048'),
  ];
  signed = new Set(documents.map((text) => signedPart(Buffer.from(text))));
  const [first, second] = [await endorser(), await endorser('rsa-2048')];
  pinned = [first, second].map(({ signer }) => signer.certificate.fingerprint);
  ders = [first, second].map(({ signer }) => signer.certificate.x509.raw);
  const list = issueRevocationList({
    issuer: { name: [['CN', 'Authority']], key: first.signer.privateKey },
    thisUpdate: at('2026-01-01T00:00:00Z'),
    nextUpdate: at('2026-02-01T00:00:00Z'),
    revoked: [{ serial: '0102', at: at('2026-01-01T00:00:00Z') }],
  });
  lists = [Buffer.from(list.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64')];
});

const anyOf = <Item>(items: readonly Item[], random: Random): Item => {
  const item = items[random(items.length)];
  if (item === undefined) throw new RangeError('there is nothing to choose from');
  return item;
};

const mutated = (random: Random): Uint8Array =>
  Buffer.from(mutate(anyOf(documents, random), random, documents), random(8) === 0 ? 'latin1' : 'utf8');

/** A few octets changed, taken out or put in. */
function scrambled(bytes: Uint8Array, random: Random): Uint8Array {
  let changed = Buffer.from(bytes);
  for (let left = 1 + random(4); left > 0; left -= 1) {
    const place = random(changed.byteLength);
    const kind = random(4);
    if (kind === 0) changed = Buffer.concat([changed.subarray(0, place), changed.subarray(place + 1 + random(8))]);
    else if (kind === 1)
      changed = Buffer.concat([
        changed.subarray(0, place),
        Buffer.alloc(1 + random(8), random(256)),
        changed.subarray(place),
      ]);
    else changed[place] = kind === 2 ? random(256) : (changed[place] ?? 0) ^ (1 << random(8));
  }
  return changed;
}

/** Runs a reader that may refuse, but only with an error of its own kind. */
function refusing(kind: new (message: string) => Error, read: () => void): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof kind)) throw error;
  }
}

fuzz({
  name: 'document',
  make: mutated,
  check(input) {
    const report = examine(input, { pinned, now: () => now }, tools);
    if (report.valid && !signed.has(signedPart(input))) throw new Error('a document that nobody signed is accepted');
    if (!report.valid && report.failures.length === 0) throw new Error('a document is refused without a reason');
    for (const { code, message, line = 1 } of report.failures) {
      if (code === '' || message === '' || line < 1) throw new Error(`a failure says nothing: ${code}`);
    }
  },
});

fuzz({
  name: 'gate',
  make: mutated,
  check(input) {
    const { document } = readStrict(input);
    if (!document) return;
    try {
      passGate(document.root, true, cachedCertificates(4));
    } finally {
      document[Symbol.dispose]();
    }
  },
});

fuzz({
  name: 'plain-xml',
  make: mutated,
  check(input) {
    const text = Buffer.from(input)
      .toString('utf8')
      .replace(/^<\?xml[^>]*>\s*/, '');
    refusing(NotPlainError, () => {
      const form = { exclusive: false, comments: true };
      const written = writeCanonical(readPlain(text), form);
      if (writeCanonical(readPlain(written), form) !== written)
        throw new Error('canonical form does not stay the same');
    });
  },
});

fuzz({
  name: 'certificate',
  make: (random) => scrambled(anyOf(ders, random), random),
  check: (input) => refusing(DerError, () => readCertificate(input)),
});

fuzz({
  name: 'revocation-list',
  make: (random) => scrambled(anyOf(lists, random), random),
  check: (input) => refusing(DerError, () => readRevocationLists(input)),
});

const nameSnippets = [
  'CN=',
  'O=',
  'OID.1.2.3=',
  '1.2.3=',
  ',',
  '+',
  ';',
  '\\',
  '"',
  '#',
  '0c0141',
  ' ',
  '=',
  'é',
  '☕',
  '\\2C',
  '\\ ',
  '\0',
];

fuzz({
  name: 'name',
  make: (random) =>
    Buffer.from(Array.from({ length: 1 + random(12) }, () => anyOf([...nameSnippets, 'Jane', 'x'], random)).join('')),
  check(input) {
    const name = parseName(Buffer.from(input).toString());
    if (!name) return;
    const again = parseName(formatName(name));
    if (!again || !sameName(name, again)) throw new Error(`a name is not read as it is written: ${formatName(name)}`);
  },
});

fuzz({
  name: 'date',
  make: (random) => scrambled(Buffer.from('2026-03-01T12:00:00Z'), random),
  check(input) {
    const text = Buffer.from(input).toString('latin1');
    if (isTimestamp(text) && new Date(text).toISOString() !== text.replace('Z', '.000Z')) {
      throw new Error(`${JSON.stringify(text)} is no date`);
    }
  },
});
