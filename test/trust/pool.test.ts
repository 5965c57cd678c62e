// Verifiers in threads: the same answers, a limit of time, and threads that come back after they were ended.
import { setImmediate } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { openVerifierPool, type PoolLimits, type VerifierPool } from '../../src/trust/pool.ts';
import { endorser, now, signedSample } from './sample.ts';

const open: VerifierPool[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((pool) => pool.close()));
});

async function openPool(limits: PoolLimits): Promise<VerifierPool> {
  const { signer } = await endorser();
  const made = openVerifierPool({ pinned: [signer.certificate.fingerprint], now: () => now }, limits);
  open.push(made);
  return made;
}

test('documents are checked side by side, each with its own answer', async () => {
  const { verify } = await openPool({ threads: 2 });
  const good = Buffer.from(await signedSample());
  const bad = Buffer.from((await signedSample()).replace('Flora', 'Fauna'));
  const reports = await Promise.all(Array.from({ length: 40 }, (_, place) => verify(place % 3 === 0 ? bad : good)));
  expect(reports.map((report) => report.valid)).toEqual(reports.map((_, place) => place % 3 !== 0));
});

test('a document that takes too long is refused, and the next one is checked', async () => {
  const { verify } = await openPool({ threads: 1, timeLimit: 1 });
  const report = await verify(Buffer.from(await signedSample()));
  expect(report.failures.map((failure) => failure.code)).toEqual(['time-limit']);
  const patient = await openPool({ threads: 1 });
  expect((await patient.verify(Buffer.from(await signedSample()))).valid).toBe(true);
});

test('a document that was checked in time is not refused because this thread was held up', async () => {
  const { verify } = await openPool({ threads: 1, timeLimit: 200 });
  const good = Buffer.from(await signedSample());
  // The thread has loaded everything when it has checked a few.
  for (let round = 0; round < 5; round += 1) await verify(good);
  const checked = verify(good);
  // From here the time limit is the next thing that the thread comes to, before any message.
  await setImmediate();
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
  expect((await checked).valid).toBe(true);
});
