// Each check of who signed under each treatment: a document in which that check alone fails is refused, told of, or not looked at.
import { type KeyObject } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { buildMetadata } from '../../src/metadata/build.ts';
import { readCertificate, type Certificate } from '../../src/signature/certificate.ts';
import { generateKey } from '../../src/signature/generate.ts';
import {
  basicConstraintsExtension,
  emailExtension,
  issueCertificate,
  issueRevocationList,
  keyUsageExtension,
  type KeyUsage,
  type NameParts,
} from '../../src/signature/issue.ts';
import { signDocument } from '../../src/signature/sign.ts';
import { readRevocationLists } from '../../src/trust/revocation.ts';
import { trustChecks, trustLevels, type TrustCheck, type TrustSettings } from '../../src/trust/settings.ts';
import { createVerifier } from '../../src/trust/verifier.ts';
import { reseal } from './reseal.ts';
import { at, now, sampleFields } from './sample.ts';

interface Scene {
  readonly document: string;
  readonly settings: TrustSettings;
}

const authorityName: NameParts = [['CN', 'Authority']];
const scenes = new Map<TrustCheck | 'none', Scene>();

beforeAll(async () => {
  const [authorityKey, key] = await Promise.all([generateKey('ec-p256'), generateKey('ec-p256')]);
  const authority = certificate(authorityName, authorityKey, { key: authorityKey, usage: ['keyCertSign', 'cRLSign'] });
  const endorser = (wrong: { to?: string; usage?: readonly KeyUsage[] } = {}): Certificate =>
    certificate([['CN', 'Jane Tester']], authorityKey, { key, usage: ['digitalSignature'], ...wrong });
  const good = endorser();
  const list = (revoked: readonly string[]): string =>
    issueRevocationList({
      issuer: { name: authorityName, key: authorityKey },
      thisUpdate: at('2026-02-15T00:00:00Z'),
      nextUpdate: at('2026-05-15T00:00:00Z'),
      revoked: revoked.map((serial) => ({ serial, at: at('2026-02-10T00:00:00Z') })),
    });
  const trusting = (...lists: readonly string[]): TrustSettings => ({
    authorities: [authority],
    revocationLists: lists.flatMap((one) => readRevocationLists(Buffer.from(one))),
  });
  const signed = (by: Certificate): string =>
    signDocument(
      buildMetadata(sampleFields, '2026-03-01T11:59:00Z'),
      { privateKey: key, certificate: by, chain: [] },
      { created: now },
    );
  const current = trusting(list([]));
  scenes.set('none', { document: signed(good), settings: current });
  scenes.set('endorser', {
    document: reseal(signed(good).replace('>jane@example.org<', '>eve@example.org<'), { key }),
    settings: current,
  });
  scenes.set('certificate-time', { document: signed(endorser({ to: '2026-02-01T00:00:00Z' })), settings: current });
  scenes.set('certificate-usage', { document: signed(endorser({ usage: ['cRLSign'] })), settings: current });
  scenes.set('chain', { document: signed(good), settings: {} });
  scenes.set('revocation', { document: signed(good), settings: trusting(list([good.serial])) });
  scenes.set('revocation-list', { document: signed(good), settings: trusting() });
});

function certificate(
  subject: NameParts,
  issuerKey: KeyObject,
  { key, usage, to }: { readonly key: KeyObject; readonly usage: readonly KeyUsage[]; readonly to?: string },
): Certificate {
  const isAuthority = subject === authorityName;
  const x509 = issueCertificate({
    subject,
    key,
    notBefore: at('2026-01-01T00:00:00Z'),
    notAfter: at(to ?? '2027-01-01T00:00:00Z'),
    extensions: [
      basicConstraintsExtension(isAuthority),
      keyUsageExtension(usage),
      ...(isAuthority ? [] : [emailExtension('jane@example.org')]),
    ],
    issuer: { name: authorityName, key: issuerKey },
  });
  return readCertificate(x509.raw);
}

async function check(scene: TrustCheck | 'none', how: TrustSettings) {
  const { document, settings } = scenes.get(scene) ?? { document: '', settings: {} };
  const report = await createVerifier({ ...settings, ...how, now: () => now })(Buffer.from(document));
  return {
    failed: report.steps.filter(({ outcome }) => outcome === 'failed').map(({ code }) => code),
    warned: report.steps.filter(({ outcome }) => outcome === 'warned').map(({ code }) => code),
    outcome: report.steps.find(({ code }) => code === scene)?.outcome,
    valid: report.valid,
    failures: report.failures.length,
    warnings: report.warnings?.length ?? 0,
  };
}

test.each(trustLevels)('%s takes a document with which nothing is wrong', async (level) => {
  expect(await check('none', { level })).toMatchObject({ valid: true, failed: [], warned: [] });
});

describe.each(trustChecks)('%s', (code) => {
  test('enforced, it alone refuses the document', async () => {
    expect(await check(code, { level: 'strict' })).toMatchObject({ valid: false, failed: [code], warned: [] });
  });

  test('logged, it is told, and the document is valid', async () => {
    const { warnings, ...found } = await check(code, { level: 'strict', levels: { [code]: 'log' } });
    expect(found).toMatchObject({ valid: true, failed: [], warned: [code], failures: 0 });
    expect(warnings).toBeGreaterThan(0);
  });

  test('skipped, nobody looks', async () => {
    expect(await check(code, { level: 'strict', levels: { [code]: 'skip' } })).toMatchObject({
      valid: true,
      failed: [],
      warned: [],
      outcome: 'skipped',
      warnings: 0,
    });
  });

  test('permissive refuses for it, but for a list that is not there; audit never does', async () => {
    const permissive = await check(code, { level: 'permissive' });
    expect(permissive.valid).toBe(code === 'revocation-list');
    expect(permissive.warned).toEqual(code === 'revocation-list' ? [code] : []);
    expect(await check(code, { level: 'audit' })).toMatchObject({ valid: true, failed: [], warned: [code] });
  });
});
