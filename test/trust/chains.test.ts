// A family of good and bad chains, each judged here and by `openssl verify -x509_strict -crl_check_all`.
import { execFile } from 'node:child_process';
import { type KeyObject } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readCertificate, type Certificate } from '../../src/signature/certificate.ts';
import { generateKey } from '../../src/signature/generate.ts';
import {
  basicConstraintsExtension,
  emailExtension,
  issueCertificate,
  issueRevocationList,
  keyUsageExtension,
  toPem,
  type KeyUsage,
  type NameParts,
  type NewExtension,
} from '../../src/signature/issue.ts';
import { readRevocationLists } from '../../src/trust/revocation.ts';
import { checkCertificateTime, checkRevocation, judgeCertificate } from '../../src/trust/signer.ts';
import { describeWithTools } from '../setup/tools.ts';
import { at } from './sample.ts';

const run = promisify(execFile);
const time = at('2026-03-01T12:00:00Z');

/** What one certificate of a chain looks like; what is left out is as it should be. */
interface Part {
  readonly from?: string;
  readonly to?: string;
  readonly authority?: boolean;
  readonly pathLength?: number;
  readonly constraints?: 'none' | 'not critical';
  readonly usage?: readonly KeyUsage[] | 'none';
  readonly extension?: NewExtension;
  /** Signed by a key that is not its issuer's. */
  readonly forged?: boolean;
  /** The list of this authority. */
  readonly list?:
    { readonly revokes?: boolean; readonly from?: string; readonly to?: string; readonly forged?: boolean } | 'none';
}

interface Family {
  readonly name: string;
  /** The root first, the endorser last. */
  readonly parts: readonly Part[];
  /** The root is not among the authorities. */
  readonly unknownRoot?: boolean;
  /** The certificates between are not sent along. */
  readonly withheld?: boolean;
}

const leaf: Part = { authority: false };
const unknown = (critical: boolean): NewExtension => ({ id: '1.2.3.4.5', critical, value: Buffer.from([5, 0]) });

const families: readonly Family[] = [
  { name: 'root and endorser', parts: [{}, leaf] },
  { name: 'one authority between', parts: [{}, {}, leaf] },
  { name: 'three authorities between', parts: [{}, {}, {}, {}, leaf] },
  { name: 'path length just enough', parts: [{ pathLength: 1 }, { pathLength: 0 }, leaf] },
  { name: 'path length of the root exceeded', parts: [{ pathLength: 0 }, {}, leaf] },
  { name: 'path length in the middle exceeded', parts: [{}, { pathLength: 0 }, {}, leaf] },
  { name: 'an endorser as authority', parts: [{}, { authority: false, usage: ['digitalSignature'] }, leaf] },
  { name: 'an authority without constraints', parts: [{}, { constraints: 'none' }, leaf] },
  { name: 'constraints that are not critical', parts: [{}, { constraints: 'not critical' }, leaf] },
  { name: 'an authority that may not sign certificates', parts: [{}, { usage: ['cRLSign'] }, leaf] },
  { name: 'an authority without key usage', parts: [{}, { usage: 'none' }, leaf] },
  { name: 'an authority that may not sign lists', parts: [{}, { usage: ['keyCertSign'] }, leaf] },
  { name: 'an expired endorser', parts: [{}, { ...leaf, to: '2026-02-01T00:00:00Z' }] },
  { name: 'an endorser that is not valid yet', parts: [{}, { ...leaf, from: '2026-04-01T00:00:00Z' }] },
  { name: 'an expired authority', parts: [{}, { to: '2026-02-01T00:00:00Z' }, leaf] },
  { name: 'an expired root', parts: [{ to: '2026-02-01T00:00:00Z' }, leaf] },
  { name: 'an authority that is not valid yet', parts: [{}, { from: '2026-04-01T00:00:00Z' }, leaf] },
  { name: 'an unknown critical extension in the endorser', parts: [{}, { ...leaf, extension: unknown(true) }] },
  { name: 'an unknown critical extension in an authority', parts: [{}, { extension: unknown(true) }, leaf] },
  {
    name: 'an unknown extension that is not critical',
    parts: [{}, { extension: unknown(false) }, { ...leaf, extension: unknown(false) }],
  },
  { name: 'a forged endorser', parts: [{}, { ...leaf, forged: true }] },
  { name: 'a forged authority', parts: [{}, { forged: true }, leaf] },
  { name: 'an unknown root', parts: [{}, {}, leaf], unknownRoot: true },
  { name: 'a missing authority', parts: [{}, {}, leaf], withheld: true },
  { name: 'a revoked endorser', parts: [{}, { list: { revokes: true } }, leaf] },
  { name: 'a revoked authority', parts: [{ list: { revokes: true } }, {}, leaf] },
  { name: 'no list of the root', parts: [{ list: 'none' }, {}, leaf] },
  { name: 'no list of an authority', parts: [{}, { list: 'none' }, leaf] },
  { name: 'a list out of date', parts: [{}, { list: { to: '2026-02-01T00:00:00Z' } }, leaf] },
  { name: 'a list of the future', parts: [{}, { list: { from: '2026-04-01T00:00:00Z' } }, leaf] },
  { name: 'a forged list', parts: [{}, { list: { forged: true } }, leaf] },
];

const pem = (items: readonly Certificate[]): string =>
  items.map((item) => toPem('CERTIFICATE', item.x509.raw)).join('');

interface Made {
  readonly certificates: readonly Certificate[];
  readonly lists: readonly string[];
}

function extensionsOf(part: Part, isLeaf: boolean): NewExtension[] {
  const constraints = basicConstraintsExtension(part.authority ?? true, part.pathLength);
  const usage = part.usage ?? (isLeaf ? ['digitalSignature'] : ['keyCertSign', 'cRLSign']);
  return [
    ...(part.constraints === 'none' ? [] : [{ ...constraints, critical: part.constraints !== 'not critical' }]),
    ...(usage === 'none' ? [] : [keyUsageExtension(usage)]),
    ...(isLeaf ? [emailExtension('jane@example.org')] : []),
    ...(part.extension ? [part.extension] : []),
  ];
}

function make(family: Family, keys: readonly KeyObject[], stranger: KeyObject): Made {
  const names = family.parts.map((_, place): NameParts => [
    ['O', family.name],
    ['CN', `level ${place}`],
  ]);
  const certificates: Certificate[] = [];
  const lists: string[] = [];
  const last = family.parts.length - 1;
  for (const [place, part] of family.parts.entries()) {
    const above = Math.max(0, place - 1);
    const key = keys[place] ?? stranger;
    const x509 = issueCertificate({
      subject: names[place] ?? [],
      key,
      notBefore: at(part.from ?? '2026-01-01T00:00:00Z'),
      notAfter: at(part.to ?? '2027-01-01T00:00:00Z'),
      extensions: extensionsOf(part, place === last),
      issuer: { name: names[above] ?? [], key: part.forged === true ? stranger : (keys[above] ?? stranger) },
    });
    certificates.push(readCertificate(x509.raw));
  }
  for (const [place, { list = {} }] of family.parts.entries()) {
    if (place === last || list === 'none') continue;
    const below = certificates[place + 1];
    lists.push(
      issueRevocationList({
        issuer: { name: names[place] ?? [], key: list.forged === true ? stranger : (keys[place] ?? stranger) },
        thisUpdate: at(list.from ?? '2026-02-15T00:00:00Z'),
        nextUpdate: at(list.to ?? '2026-05-15T00:00:00Z'),
        revoked: list.revokes === true && below ? [{ serial: below.serial, at: at('2026-02-10T00:00:00Z') }] : [],
      }),
    );
  }
  return { certificates, lists };
}

/** The verdict of this project, under the strictest settings. */
function isGood(family: Family, { certificates, lists }: Made): boolean {
  const [root, ...rest] = certificates;
  const endorser = rest.pop();
  if (!root || !endorser) return false;
  const settings = {
    authorities: family.unknownRoot === true ? [] : [root],
    revocationLists: lists.flatMap((list) => readRevocationLists(Buffer.from(list))),
  };
  const rules = { time, skewSeconds: 0, legacy: false };
  const verdict = judgeCertificate(endorser, family.withheld === true ? [] : rest.reverse(), settings, rules);
  const { revoked, missing } = checkRevocation(verdict.chain, settings, { now: time, time });
  return [...verdict.findings, ...checkCertificateTime(endorser, rules), ...revoked, ...missing].length === 0;
}

describeWithTools('chains against openssl', ['openssl'], () => {
  let folder = '';
  let keys: KeyObject[] = [];
  let stranger: KeyObject;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mintmark-chains-'));
    keys = await Promise.all([0, 1, 2, 3, 4].map((place) => generateKey(place % 2 === 0 ? 'ec-p256' : 'ec-p384')));
    stranger = await generateKey('ec-p256');
  });
  afterAll(() => rm(folder, { recursive: true }));

  async function opensslAccepts(family: Family, { certificates, lists }: Made): Promise<boolean> {
    const file = async (name: string, text: string): Promise<string> => {
      const path = join(folder, `${family.name.replaceAll(/\W/g, '-')}-${name}.pem`);
      await writeFile(path, text);
      return path;
    };
    const [root, ...rest] = certificates;
    const endorser = rest.pop();
    const stray = issueCertificate({
      subject: [['CN', 'Another']],
      key: stranger,
      notBefore: at('2026-01-01T00:00:00Z'),
      notAfter: at('2027-01-01T00:00:00Z'),
      extensions: [basicConstraintsExtension(true), keyUsageExtension(['keyCertSign', 'cRLSign'])],
    });
    const trusted = family.unknownRoot === true || !root ? toPem('CERTIFICATE', stray.raw) : pem([root]);
    const options = [
      'verify',
      '-x509_strict',
      '-crl_check_all',
      '-attime',
      String(time.getTime() / 1000),
      '-CAfile',
      await file('root', trusted),
      '-no-CApath',
      '-no-CAstore',
      ...(lists.length === 0 ? [] : ['-CRLfile', await file('lists', lists.join(''))]),
      ...(rest.length === 0 || family.withheld === true ? [] : ['-untrusted', await file('between', pem(rest))]),
    ];
    return run('openssl', [...options, await file('endorser', pem(endorser ? [endorser] : []))]).then(
      () => true,
      () => false,
    );
  }

  test.each(families)('$name', async (family) => {
    const made = make(family, keys, stranger);
    expect(isGood(family, made)).toBe(await opensslAccepts(family, made));
  });

  test('the family has good and bad chains', async () => {
    const verdicts = families.map((family) => isGood(family, make(family, keys, stranger)));
    expect(verdicts.filter(Boolean).length).toBeGreaterThan(3);
    expect(verdicts.filter((good) => !good).length).toBeGreaterThan(20);
  });
});
