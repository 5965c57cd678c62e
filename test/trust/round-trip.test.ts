// Build, sign, verify: what went in comes out, for every kind of key, and nothing that was signed can be changed.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { buildMetadata, type MetadataFields } from '../../src/metadata/build.ts';
import { encodeIdentifier } from '../../src/metadata/identifier.ts';
import { compressions, imageFormats, type ForeignProperty } from '../../src/metadata/model.ts';
import { formatTimestamp } from '../../src/metadata/values.ts';
import { keyTypes } from '../../src/signature/generate.ts';
import { signDocument } from '../../src/signature/sign.ts';
import { createVerifier } from '../../src/trust/verifier.ts';
import { readStrict } from '../../src/xml/document.ts';
import { writeCanonical } from '../../src/xml/write-canonical.ts';
import { withinTime } from '../setup/within-time.ts';
import { at, endorser, now, sampleFields, signedSample } from './sample.ts';

const verify = createVerifier({ acceptSelfSigned: true, now: () => now });
const check = (text: string): ReturnType<typeof verify> => verify(Buffer.from(text));

test.each(keyTypes.filter((type) => type !== 'rsa-4096'))(
  'a document signed with %s verifies, and says what was put in',
  async (type) => {
    const report = await check(await signedSample(type));
    expect(report.failures).toEqual([]);
    if (!report.valid) throw new Error('not valid');
    expect(report.metadata).toMatchObject(sampleFields);
    expect(report.metadata.endorsement).toEqual({
      created: '2026-03-01T12:00:00Z',
      endorser: {
        email: 'jane.tester@example.org',
        subject: String.raw`CN=Jane Tester,O=Mintmark\, \"the\" Project,C=GR`,
        issuers: [String.raw`CN=Jane Tester,O=Mintmark\, \"the\" Project,C=GR`],
      },
    });
    expect(report.weak).toBe(false);
    expect(report.steps.every((step) => step.outcome === 'passed' || step.code === 'revocation')).toBe(true);
  },
);

test('signing again replaces the endorsement and the signature', async () => {
  const first = await signedSample('ec-p256');
  const { signer } = await endorser('rsa-2048');
  const second = signDocument(first, signer, { created: new Date('2026-03-01T12:01:00Z') });
  expect(second.match(/<Signature /g)).toHaveLength(1);
  expect(second.match(/<slreq:endorsement /g)).toHaveLength(1);
  const report = await check(second);
  expect(report.valid && report.metadata.endorsement.created).toBe('2026-03-01T12:01:00Z');
  expect(report.valid && report.signer.algorithm).toBe('RSA-SHA256');
});

test('of a document without a signature nothing is said to be accepted', async () => {
  const { steps } = await check(buildMetadata(sampleFields, '2026-03-01T11:59:00Z'));
  const outcomes = Object.fromEntries(steps.map(({ code, outcome }) => [code, outcome]));
  expect(outcomes).toMatchObject({
    'well-formed': 'passed',
    'signature-structure': 'failed',
    'signature-algorithm': 'skipped',
    'signature-value': 'skipped',
  });
});

test('a changed document says so', async () => {
  const report = await check((await signedSample()).replace('3000000000', '3000000001'));
  expect(report.valid).toBe(false);
  expect(report.failures).toEqual([
    expect.objectContaining({
      code: 'digest-mismatch',
      message: expect.stringMatching(/changed after it was signed/) as string,
    }),
  ]);
});

const word = fc
  .stringMatching(/^[ -~é☕ß]{1,20}$/)
  .map((text) => text.trim())
  .filter((text) => text !== '');
const hex = (digits: number): fc.Arbitrary<string> =>
  fc.stringMatching(new RegExp(`^[0-9a-f]{${digits}}$`)).filter((text) => text.length === digits);
const identifier = hex(40).map(encodeIdentifier);
const date = fc
  .date({ min: at('1990-01-01T00:00:00Z'), max: at('2100-01-01T00:00:00Z'), noInvalidDate: true })
  .map(formatTimestamp);
const property = (children: fc.Arbitrary<ForeignProperty[]>): fc.Arbitrary<ForeignProperty> =>
  fc
    .record({
      namespace: fc.constantFrom('http://example.org/', 'urn:x'),
      name: fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/),
      text: word,
      children,
    })
    .map((made) => (made.children.length > 0 ? { ...made, text: '' } : made));
const foreign = property(fc.array(property(fc.constant([])), { maxLength: 2 }));

/** Every field that a document can have, each there or not. */
const fields: fc.Arbitrary<MetadataFields> = fc
  .record(
    {
      bytes: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
      checksums: fc.record(
        { 'MD5': hex(32), 'SHA-1': hex(40), 'SHA-256': hex(64), 'SHA-512': hex(128) },
        { requiredKeys: ['SHA-1'] },
      ),
      type: fc.constantFrom('machine', 'disk', 'base', 'grid'),
      kinds: fc.array(fc.constantFrom('machine', 'disk'), { maxLength: 2 }),
      valid: date,
      title: word,
      description: word,
      creator: word,
      created: date,
      publisher: word,
      format: fc.constantFrom(...imageFormats),
      compression: fc.constantFrom(...compressions),
      tag: word,
      isReplacedBy: identifier,
      replaces: identifier,
      isVersionOf: identifier,
      locations: fc.array(fc.webUrl({ validSchemes: ['http', 'https', 'ftp'], withQueryParameters: true }), {
        maxLength: 3,
      }),
      serialNumber: fc.nat().map(String),
      version: word,
      os: word,
      osVersion: word,
      osArch: word,
      deprecated: word,
      hypervisors: fc.array(word, { maxLength: 2 }),
      disksBuses: fc.array(word, { maxLength: 2 }),
      inboundPorts: fc.array(fc.nat(65_535), { maxLength: 3 }),
      outboundPorts: fc.array(fc.nat(65_535), { maxLength: 3 }),
      icmp: fc.array(fc.nat(255), { maxLength: 3 }),
      foreign: fc.array(foreign, { maxLength: 2 }),
    },
    {
      requiredKeys: [
        ...(['bytes', 'checksums', 'type', 'kinds', 'locations', 'hypervisors'] as const),
        ...(['disksBuses', 'inboundPorts', 'outboundPorts', 'icmp', 'foreign'] as const),
      ],
    },
  )
  .map((made) => made as MetadataFields);

test('whatever is built and signed reads back as it was', async () => {
  const { signer } = await endorser();
  await fc.assert(
    fc.asyncProperty(
      fields,
      withinTime(3_000, async (made: MetadataFields) => {
        const report = await check(signDocument(buildMetadata(made, '2026-03-01T11:59:00Z'), signer, { created: now }));
        expect(report.failures).toEqual([]);
        if (!report.valid) throw new Error('not valid');
        const { endorsement: _endorsement, ...read } = report.metadata;
        expect(read).toEqual({ ...made, identifier: encodeIdentifier(made.checksums['SHA-1']) });
      }),
    ),
    { numRuns: 300 },
  );
}, 60_000);

/** What is signed of a document, as its canonical form. */
function signedPart(bytes: Uint8Array): string {
  const { document } = readStrict(bytes);
  if (!document) throw new Error('not read');
  const signature = document.root.elements.find((element) => element.term === 'ds:Signature');
  const text = writeCanonical(document.root, { exclusive: true, comments: false }, signature);
  document[Symbol.dispose]();
  return text;
}

test.each([0x01, 0x80])(
  'every octet of a document, changed by %i, is noticed, or was not signed',
  async (flip) => {
    const text = await signedSample('ec-p256', { ...sampleFields, foreign: [] });
    const bytes = Buffer.from(text);
    const original = await check(text);
    expect(original.valid).toBe(true);
    const part = signedPart(bytes);
    const accepted: number[] = [];
    for (let place = 0; place < bytes.byteLength; place += 1) {
      const changed = Buffer.from(bytes);
      changed[place] = (changed[place] ?? 0) ^ flip;
      const report = await verify(changed);
      if (!report.valid) continue;
      accepted.push(place);
      expect(signedPart(changed)).toBe(part);
      expect(report).toEqual(original);
    }
    // From the description to its end there is no octet that does not count.
    const [begin, end] = [text.indexOf('<rdf:Description'), text.indexOf('<Signature ')].map((place) =>
      Buffer.byteLength(text.slice(0, place)),
    );
    expect(accepted.filter((place) => place >= (begin ?? 0) && place < (end ?? 0))).toEqual([]);
  },
  120_000,
);

test('octets changed at random are noticed, or were not signed', async () => {
  const bytes = Buffer.from(await signedSample());
  const part = signedPart(bytes);
  const original = await verify(bytes);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(bytes.byteLength - 1), fc.integer({ min: 1, max: 255 })), {
        minLength: 1,
        maxLength: 3,
      }),
      async (flips) => {
        const changed = Buffer.from(bytes);
        for (const [place, flip] of flips) changed[place] = (changed[place] ?? 0) ^ flip;
        const report = await verify(changed);
        if (!report.valid) return;
        // White space inside tags and base64, and the prolog, are not part of what is signed.
        expect(signedPart(changed)).toBe(part);
        expect(report.metadata).toEqual(original.valid && original.metadata);
      },
    ),
    { numRuns: 1000 },
  );
});
