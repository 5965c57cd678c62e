// xmlsec1 as oracle: it verifies what is signed here, and what it signs is verified here, for every algorithm.
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createVerifier } from '../../src/trust/verifier.ts';
import { type KeyType } from '../../src/signature/generate.ts';
import { describeWithTools } from '../setup/tools.ts';
import { endorser, now, signedSample } from '../trust/sample.ts';

const run = promisify(execFile);

const dsig = 'http://www.w3.org/2000/09/xmldsig#';
const more = 'http://www.w3.org/2001/04/xmldsig-more#';
const encryption = 'http://www.w3.org/2001/04/xmlenc#';
const inclusive = 'http://www.w3.org/TR/2001/REC-xml-c14n-20010315';
const exclusive = 'http://www.w3.org/2001/10/xml-exc-c14n#';

interface Template {
  readonly method: string;
  readonly digest: string;
  readonly signedInfo: string;
  readonly document: string | undefined;
}

/** A signature for xmlsec1 to fill. */
function template({ method, digest, signedInfo, document }: Template): string {
  const second = document === undefined ? '' : `<Transform Algorithm="${document}"/>`;
  return (
    `<Signature xmlns="${dsig}"><SignedInfo><CanonicalizationMethod Algorithm="${signedInfo}"/>` +
    `<SignatureMethod Algorithm="${method}"/><Reference URI=""><Transforms>` +
    `<Transform Algorithm="${dsig}enveloped-signature"/>${second}</Transforms>` +
    `<DigestMethod Algorithm="${digest}"/><DigestValue/></Reference></SignedInfo><SignatureValue/>` +
    `<KeyInfo><X509Data><X509Certificate/></X509Data></KeyInfo></Signature>`
  );
}

const rsa: readonly KeyType[] = ['rsa-2048', 'rsa-3072'];
const ec: readonly KeyType[] = ['ec-p256', 'ec-p384'];
const digests = [`${encryption}sha256`, `${more}sha384`, `${encryption}sha512`];
const methods = [
  ...['rsa-sha256', 'rsa-sha384', 'rsa-sha512'].map((name) => [`${more}${name}`, rsa] as const),
  ...['ecdsa-sha256', 'ecdsa-sha384', 'ecdsa-sha512'].map((name) => [`${more}${name}`, ec] as const),
];
const forms = [
  [inclusive, undefined],
  [inclusive, inclusive],
  [exclusive, exclusive],
  [exclusive, undefined],
  [inclusive, exclusive],
] as const;

const cases = methods.flatMap(([method, types], row) =>
  types.flatMap((type) =>
    forms.map(([signedInfo, document], column) => ({
      type,
      name: `${method.slice(more.length)} with ${type}, form ${column}`,
      template: { method, digest: digests[(row + column) % digests.length] ?? '', signedInfo, document },
    })),
  ),
);

describeWithTools('xmlsec1', ['xmlsec1'], () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mintmark-xmlsec-'));
    for (const type of [...rsa, ...ec]) {
      const made = await endorser(type);
      await writeFile(join(folder, `${type}.key`), made.privateKeyPem);
      await writeFile(join(folder, `${type}.crt`), made.certificatePem);
    }
  });
  afterAll(() => rm(folder, { recursive: true }));
  const path = (name: string): string => join(folder, name);

  test.each([...rsa, ...ec])('verifies what is signed here with %s', async (type) => {
    await writeFile(path(`${type}.xml`), await signedSample(type));
    const certificate = path(`${type}.crt`);
    const { stderr, stdout } = await run('xmlsec1', [
      '--verify',
      '--enabled-reference-uris',
      'empty',
      '--verification-time',
      '2026-03-02 00:00:00',
      '--trusted-pem',
      certificate,
      path(`${type}.xml`),
    ]);
    expect(`${stdout}${stderr}`).toMatch(/^OK$/m);
  });

  test.each(cases)('signs what is verified here: $name', async ({ type, template: wanted, name }) => {
    const verify = createVerifier({ acceptSelfSigned: true, now: () => now });
    const unsigned = (await signedSample(type)).replace(/<Signature[\s\S]*<\/Signature>/, template(wanted));
    const file = path(`${name.replaceAll(/\W/g, '-')}.xml`);
    await writeFile(file, unsigned);
    await run('xmlsec1', [
      '--sign',
      '--privkey-pem',
      `${path(`${type}.key`)},${path(`${type}.crt`)}`,
      '--output',
      `${file}.signed`,
      file,
    ]);
    const signed = await readFile(`${file}.signed`);
    const report = await verify(signed);
    expect(report.failures).toEqual([]);
    const changed = await verify(Buffer.from(signed.toString().replace('3000000000', '3000000001')));
    expect(changed.failures.map((failure) => failure.code)).toContain('digest-mismatch');
  });

  test('signs the legacy way, which is verified under the legacy setting only', async () => {
    const wanted = { method: `${dsig}rsa-sha1`, digest: `${dsig}sha1`, signedInfo: `${inclusive}#WithComments` };
    const text = (await signedSample('rsa-2048')).replace(
      /<Signature[\s\S]*<\/Signature>/,
      template({ ...wanted, document: undefined }),
    );
    await writeFile(path('legacy.xml'), text);
    const keys = `${path('rsa-2048.key')},${path('rsa-2048.crt')}`;
    await run('xmlsec1', ['--sign', '--privkey-pem', keys, '--output', path('legacy.signed'), path('legacy.xml')]);
    const signed = await readFile(path('legacy.signed'));
    const trust = { acceptSelfSigned: true, now: () => now };
    const allowed = await createVerifier({ ...trust, allowLegacy: true })(signed);
    expect(allowed.failures).toEqual([]);
    expect(allowed.valid && allowed.weak).toBe(true);
    const refused = await createVerifier(trust)(signed);
    expect(refused.failures.map((failure) => failure.code)).toEqual(['legacy-algorithm']);
  });
});
