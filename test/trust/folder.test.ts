// Trust folders as sites have them: PEM and DER, hashed names, revocation lists beside certificates, and what cannot be read.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { issueRevocationList } from '../../src/signature/issue.ts';
import { loadTrustFolder } from '../../src/trust/folder.ts';
import { createVerifier } from '../../src/trust/verifier.ts';
import { describeWithTools } from '../setup/tools.ts';
import { at, endorser, now, signedSample } from './sample.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mintmark-trust-'));
});
afterEach(() => rm(folder, { recursive: true }));

const list = async (): Promise<string> =>
  issueRevocationList({
    issuer: { name: [['CN', 'Authority']], key: (await endorser()).signer.privateKey },
    thisUpdate: at('2026-01-01T00:00:00Z'),
    nextUpdate: at('2026-05-01T00:00:00Z'),
    revoked: [],
  });

test('an endorser in a folder is pinned, in PEM and in DER, and other files are left alone', async () => {
  const { signer, certificatePem } = await endorser();
  await mkdir(join(folder, 'more'));
  await writeFile(join(folder, 'notes.txt'), 'not a certificate');
  await writeFile(join(folder, 'jane.pem'), certificatePem);
  await writeFile(join(folder, 'jane.der'), signer.certificate.x509.raw);
  const loaded = await loadTrustFolder(folder);
  expect(loaded).toMatchObject({ authorities: [], pinned: [signer.certificate.fingerprint], revocationLists: [] });
  const report = await createVerifier({ ...loaded, now: () => now })(Buffer.from(await signedSample()));
  expect(report.failures).toEqual([]);
});

test('revocation lists are read from files of their own and from files of certificates', async () => {
  await writeFile(join(folder, 'authority.crl'), await list());
  await writeFile(join(folder, 'both.pem'), (await endorser()).certificatePem + (await list()));
  const { revocationLists, pinned } = await loadTrustFolder(folder);
  expect([revocationLists.length, pinned.length]).toEqual([2, 1]);
});

test.each(['broken.pem', 'broken.crl', 'broken.der'])('%s that cannot be read is named, not left out', async (name) => {
  await writeFile(join(folder, name), '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n');
  await expect(loadTrustFolder(folder)).rejects.toMatchObject({
    code: 'trust.settings',
    message: expect.stringContaining(name) as string,
  });
});

test('a folder that is not there is told', async () => {
  await expect(loadTrustFolder(join(folder, 'none'))).rejects.toMatchObject({ code: 'trust.settings' });
});

const openssl = (...args: string[]): Promise<unknown> => promisify(execFile)('openssl', args);

describeWithTools('with openssl', ['openssl'], () => {
  test('hashed names, as openssl rehash makes them, count once', async () => {
    const [key, certificate] = [join(folder, 'ca.key'), join(folder, 'ca.pem')];
    await openssl(
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-days',
      '9',
      '-subj',
      '/O=CA',
      '-keyout',
      key,
      '-out',
      certificate,
    );
    await writeFile(join(folder, 'list.crl'), await list());
    await openssl('rehash', folder);
    const loaded = await loadTrustFolder(folder);
    expect(loaded.authorities.map((item) => item.subjectText)).toEqual(['O=CA']);
    expect(loaded.pinned).toEqual([]);
    expect(loaded.revocationLists.length).toBeGreaterThan(0);
  });
});
