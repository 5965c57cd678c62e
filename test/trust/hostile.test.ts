// Documents made to cost time or memory are refused, in a thread whose heap is bounded and that hands back its verdict.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hostileDocuments } from '../../fixtures/hostile-documents.ts';
import { openVerifierPool, type VerifierPool } from '../../src/trust/pool.ts';
import { endorser, now, signedSample } from './sample.ts';

let pool: VerifierPool;
let valid = '';
beforeAll(async () => {
  valid = await signedSample();
  const pinned = [(await endorser()).signer.certificate.fingerprint];
  // A thread that runs out of this heap dies, and its document is an error instead of a verdict.
  pool = openVerifierPool({ pinned, now: () => now }, { threads: 1, heap: 48, timeLimit: 20_000 });
});
afterAll(() => pool.close());

test('the heap is enough for a valid document, and for many of them', async () => {
  for (let round = 0; round < 200; round += 1) {
    expect((await pool.verify(Buffer.from(valid))).failures).toEqual([]);
  }
});

test.each(hostileDocuments)('$name', async ({ make, code }) => {
  const report = await pool.verify(make(valid));
  expect(report.valid).toBe(false);
  expect(report.failures.map((failure) => failure.code)).toContain(code);
});
