// A registry whose endorsers have certificates of an authority, carried over a gap: with what is needed to check it there.
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readCertificate } from '../../src/signature/certificate.ts';
import { generateKey } from '../../src/signature/generate.ts';
import {
  basicConstraintsExtension,
  emailExtension,
  issueCertificate,
  issueRevocationList,
  keyUsageExtension,
  toPem,
  type NameParts,
} from '../../src/signature/issue.ts';
import { type Signer } from '../../src/signature/keys.ts';
import { launcher, mintmarkJson, run } from '../e2e/command.ts';
import { signedDocument } from '../registry/signed-documents.ts';
import { TestServer } from './running-server.ts';

const from = new Date('2026-01-01T00:00:00Z');
const to = new Date('2046-01-01T00:00:00Z');
const authority: NameParts = [['CN', 'Test Authority']];

let folder: string;
let server: TestServer;
/** Authority, and a list on which nobody is; the same with a list on which the endorser of the second document is. */
let trust: string;
let revoking: string;
let bundle: string;

const inFolder = (name: string): string => join(folder, name);
const mintmark = (...args: readonly string[]) => run(process.execPath, [launcher, 'registry', ...args]);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mintmark-carried-'));
  const key = await generateKey('ec-p256');
  const issuer = { name: authority, key };
  const root = issueCertificate({
    subject: authority,
    key,
    notBefore: from,
    notAfter: to,
    extensions: [basicConstraintsExtension(true), keyUsageExtension(['keyCertSign', 'cRLSign'])],
  });
  const endorser = async (name: string): Promise<Signer> => {
    const privateKey = await generateKey('ec-p256');
    const x509 = issueCertificate({
      subject: [['CN', name]],
      key: privateKey,
      notBefore: from,
      notAfter: to,
      extensions: [keyUsageExtension(['digitalSignature']), emailExtension(`${name}@example.org`)],
      issuer,
    });
    return { privateKey, certificate: readCertificate(x509.raw), chain: [] };
  };
  const [jane, joe] = [await endorser('jane'), await endorser('joe')];
  const list = (...revoked: readonly Signer[]) =>
    issueRevocationList({
      issuer,
      thisUpdate: from,
      nextUpdate: to,
      revoked: revoked.map(({ certificate }) => ({ serial: certificate.serial, at: from })),
    });
  for (const [name, crl] of [
    ['trust', list()],
    ['revoking', list(joe)],
  ] as const) {
    mkdirSync(inFolder(name));
    writeFileSync(join(inFolder(name), 'root.pem'), toPem('CERTIFICATE', root.raw));
    writeFileSync(join(inFolder(name), 'root.crl'), crl);
  }
  [trust, revoking, bundle] = [inFolder('trust'), inFolder('revoking'), inFolder('registry.bundle')];
  server = await TestServer.open({ trust });
  for (const [number, signer] of [jane, joe].entries()) {
    const { status } = await server.upload(signedDocument(signer, number).toString());
    if (status !== 201) throw new Error(`document ${number} was answered with ${status}`);
  }
}, 60_000);
afterAll(async () => {
  await server?.close();
  rmSync(folder, { recursive: true, force: true });
});

test('one file holds documents, certificates and revocation lists; one command checks it with nothing else', async () => {
  await mintmarkJson(['registry', 'export', '--server', server.url, '-o', bundle]);
  const head = JSON.parse(readFileSync(bundle, 'utf8').split('\n')[0] ?? '') as { trust: object };
  expect(head.trust).toEqual({
    certificates: [expect.stringContaining('BEGIN CERTIFICATE')],
    revocationLists: [expect.stringContaining('BEGIN X509 CRL')],
  });
  expect(await mintmarkJson(['registry', 'verify-bundle', bundle])).toMatchObject({ verified: 2, refused: [] });
  const kept = inFolder('kept.bundle');
  const site = ['--data', join(server.folder, 'data'), '--trust', trust];
  await mintmarkJson(['registry', 'export', ...site, '-o', kept]);
  expect(readFileSync(kept, 'utf8')).toBe(readFileSync(bundle, 'utf8'));
}, 60_000);

test('a file without them proves less: its endorsers are strangers', async () => {
  const [head = '', ...lines] = readFileSync(bundle, 'utf8').split('\n');
  const bare = inFolder('bare.bundle');
  writeFileSync(bare, [JSON.stringify({ ...(JSON.parse(head) as object), trust: undefined }), ...lines].join('\n'));
  expect((await mintmark('verify-bundle', bare)).code).toBe(3);
  expect(await mintmarkJson(['registry', 'verify-bundle', bare, '--trust', trust])).toMatchObject({ verified: 2 });
  writeFileSync(bare, [head.replace('BEGIN X509 CRL', 'BEGIN X509 CRM'), ...lines].join('\n'));
  expect(await mintmark('verify-bundle', bare)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('[trust.settings]') as string,
  });
}, 60_000);

test('a revocation list that is carried along counts where the authority is trusted', async () => {
  const [root, later] = [inFolder('root-only'), inFolder('later.bundle')];
  mkdirSync(root);
  copyFileSync(join(trust, 'root.pem'), join(root, 'root.pem'));
  const site = ['--data', join(server.folder, 'data'), '--trust', revoking];
  // What the origin accepted before the revocation stays in its log, and in the file.
  const exported = await mintmark('export', ...site, '-o', later);
  expect(exported.code).toBe(0);
  const into = (name: string, ...more: readonly string[]) =>
    mintmarkJson(['registry', 'import', later, '--data', inFolder(name), ...more]);
  expect(await into('one', '--trust', root)).toMatchObject({ created: 1, refused: [{ seq: 1 }] });
  expect(await into('two', '--trust', trust)).toMatchObject({ created: 1 });
}, 60_000);

test('a mirror takes what its policy admits, and later what it left', async () => {
  const policy = inFolder('policy.json');
  writeFileSync(policy, JSON.stringify({ version: 1, endorsers: { deny: ['joe@example.org'] } }));
  const mirror = (...more: readonly string[]) =>
    mintmarkJson(['registry', 'mirror', server.url, '--data', inFolder('mirror'), '--trust', trust, ...more]);
  expect(await mirror('--admitted', '--policy', policy)).toMatchObject({ created: 1, left: 1, refused: [] });
  expect(await mirror()).toMatchObject({ created: 0, unchanged: 0, left: 0 });
  expect(await mirror('--again')).toMatchObject({ created: 1, unchanged: 1, left: 0 });
}, 60_000);
