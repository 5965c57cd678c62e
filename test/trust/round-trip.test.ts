// Build, sign, verify: what went in comes out, for every kind of key, and nothing that was signed can be changed.
import { isDeepStrictEqual } from 'node:util';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { keyTypes } from '../../src/signature/generate.ts';
import { signDocument } from '../../src/signature/sign.ts';
import { createVerifier } from '../../src/trust/verifier.ts';
import { endorser, now, sampleFields, signedSample } from './sample.ts';

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

test('any byte changed anywhere is noticed, or changes nothing that was signed', async () => {
  const text = await signedSample();
  const bytes = Buffer.from(text);
  const original = await check(text);
  await fc.assert(
    fc.asyncProperty(fc.nat(bytes.byteLength - 1), fc.integer({ min: 1, max: 255 }), async (place, flip) => {
      const changed = Buffer.from(bytes);
      changed[place] = (changed[place] ?? 0) ^ flip;
      const report = await verify(changed);
      // White space inside tags and base64, and the prolog, are not part of what is signed.
      return !report.valid || isDeepStrictEqual(report.metadata, original.valid && original.metadata);
    }),
    { numRuns: 1500 },
  );
  expect(original.valid).toBe(true);
});
