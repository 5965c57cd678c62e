// Real documents of the StratusLab project, with the verdicts of the list that comes with them.
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { signerFromPkcs12 } from '../../src/signature/keys.ts';
import { signDocument } from '../../src/signature/sign.ts';
import { createVerifier } from '../../src/trust/verifier.ts';

const folder = new URL('../../../shared/data/stratuslab/', import.meta.url);
const missing = !existsSync(folder);
const read = (name: string): Buffer => readFileSync(new URL(name, folder));

const now = new Date('2016-01-01T00:00:00Z');
const codes = async (verifier: ReturnType<typeof createVerifier>, bytes: Uint8Array): Promise<string[]> =>
  (await verifier(bytes)).failures.map((failure) => failure.code);

describe.skipIf(missing)(`StratusLab documents${missing ? ' [left out, needs ../shared/data/stratuslab]' : ''}`, () => {
  const lenient = createVerifier({ acceptUnknown: true, allowLegacy: true, now: () => now });
  const strict = createVerifier({ acceptUnknown: true, now: () => now });

  test.each([
    'valid-full-signature.xml',
    'marketplace-valid-indate-signature.xml',
    'marketplace-valid-indate-newer-signature.xml',
    'marketplace-valid-indate-deprecated-signature.xml',
  ])('%s verifies under the legacy setting only, as weak', async (name) => {
    const report = await lenient(read(name));
    expect(report.failures).toEqual([]);
    expect(report.valid && report.weak).toBe(true);
    expect(await codes(strict, read(name))).toEqual(['legacy-algorithm']);
  });

  test('the newer document and the plain one are entries of one key, and the deprecated one has a reason', async () => {
    const keys = [];
    for (const name of ['', '-newer', '-deprecated']) {
      const report = await lenient(read(`marketplace-valid-indate${name}-signature.xml`));
      if (!report.valid) throw new Error(name);
      const { identifier, endorsement, deprecated } = report.metadata;
      keys.push({ identifier, email: endorsement.endorser.email, created: endorsement.created, deprecated });
    }
    expect(new Set(keys.map((key) => `${key.identifier} ${key.email}`)).size).toBe(1);
    expect(new Set(keys.map((key) => key.created)).size).toBe(3);
    expect(keys[2]?.deprecated).toBe('This is a test of deprecation');
  });

  test.each(['valid-minimal.xml', 'valid-full.xml'])('%s lacks only a signature', async (name) => {
    expect(await codes(strict, read(name))).toEqual(['signature-missing']);
  });

  test.each([
    ['invalid-bad-about-id.xml', 'about-format'],
    ['invalid-email.xml', 'email-format'],
    ['invalid-no-endorser.xml', 'missing-element'],
    ['invalid-bad-inbound-port.xml', 'number-range'],
    ['invalid-inconsistent-identifiers.xml', 'about-mismatch'],
    ['invalid-inconsistent-checksum.xml', 'identifier-mismatch'],
    ['invalid-multiple-os.xml', 'repeated-element'],
    ['invalid-created-date-1.xml', 'date-format'],
    ['invalid-rdf-resource.xml', 'rdf-parse-type'],
    ['valid-minimal-empty-endorsement.xml', 'missing-element'],
    ['partial-multiple-signatures.xml', 'signature-repeated'],
  ])('%s is refused for %s', async (name, code) => {
    expect(await codes(lenient, read(name))).toContain(code);
  });

  test.each(['valid-minimal-empty-endorsement.xml', 'partial-multiple-signatures.xml', 'valid-full.xml'])(
    '%s becomes valid by signing',
    async (name) => {
      const signer = signerFromPkcs12(read('test.p12'), 'XYZXYZ');
      expect(signer.certificate.emails).toEqual(['jane.tester@example.org']);
      const created = new Date('2011-06-01T00:00:00Z');
      expect(await codes(strict, Buffer.from(signDocument(read(name), signer, { created })))).toEqual([]);
    },
  );
});
