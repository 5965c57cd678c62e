// What becomes of the jobs of a process that died.
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createJobStore } from '../../../src/jobs/store.ts';
import { freshSite, kindOf, type OpenSite, type Site } from '../site.ts';

/** A job that a process which is gone had begun. */
async function abandoned(site: Site, worker: string, leaseMs: number): Promise<number> {
  const store = createJobStore(site.db, 'here');
  const at = new Date();
  const { job } = await store.add({ kind: 'task', key: 'a', data: {}, priority: 0 }, at.toISOString());
  const leaseUntil = new Date(at.getTime() + leaseMs).toISOString();
  await store.apply(job.id, { type: 'claim', at: at.toISOString(), worker, leaseUntil });
  return job.id;
}

const outcomes = kindOf(async ({ attempt }) => ({ attempt }));

export function takeoverSuite(open: OpenSite): void {
  test('what an earlier process of the same name ran is begun again at once', async () => {
    const site = await freshSite(open);
    const id = await abandoned(site, 'here/1', 60 * 60 * 1000);
    const jobs = await site.start([outcomes], { node: 'here' });
    const job = await jobs.wait(id);
    expect(job).toMatchObject({ state: 'done', losses: 1, result: { attempt: 2 } });
    expect(job.attempts.map(({ outcome }) => outcome)).toEqual(['lost', 'done']);
  });

  test('what another process runs is left to it as long as it gives signs of life, and taken over afterwards', async () => {
    const site = await freshSite(open);
    const id = await abandoned(site, 'there/1', 600);
    const jobs = await site.start([outcomes], { node: 'here', lease: 150 });
    await delay(300);
    expect(await jobs.get(id)).toMatchObject({ state: 'running', worker: 'there/1' });
    expect(await jobs.wait(id)).toMatchObject({ state: 'done', losses: 1 });
  });

  test('a job whose processes die again and again fails, and says so', async () => {
    const site = await freshSite(open);
    const store = createJobStore(site.db, 'here');
    const id = await abandoned(site, 'here/1', 0);
    const failure = { code: 'jobs.lost', message: 'often', action: 'Look.', details: {} };
    const at = new Date().toISOString();
    for (let turn = 1; turn < 5; turn += 1) {
      await store.apply(id, { type: 'lose', at, worker: 'here/1', most: 9, failure });
      await store.apply(id, { type: 'claim', at, worker: 'here/1', leaseUntil: at });
    }
    const jobs = await site.start([outcomes], { node: 'here' });
    expect(await jobs.wait(id)).toMatchObject({ state: 'failed', losses: 5, failure: { code: 'jobs.lost' } });
  });

  test('a process that was taken for dead notices, ends its attempt, and changes nothing', async () => {
    const site = await freshSite(open);
    let ended: unknown;
    const jobs = await site.start(
      [
        kindOf(
          ({ signal }) =>
            new Promise((_, reject) => {
              signal.addEventListener('abort', () => {
                ended = signal.reason;
                reject(signal.reason as Error);
              });
            }),
        ),
      ],
      { lease: 300 },
    );
    const { id } = await jobs.submit({ kind: 'task', key: 'a' });
    await expect.poll(async () => (await jobs.get(id))?.state).toBe('running');
    const store = createJobStore(site.db, 'here');
    const at = new Date().toISOString();
    const worker = (await jobs.get(id))?.worker ?? '';
    const failure = { code: 'jobs.lost', message: '', action: '', details: {} };
    await store.apply(id, { type: 'lose', at, worker, most: 9, failure });
    const claimed = await store.apply(id, { type: 'claim', at, worker: 'other/1', leaseUntil: '2999' });
    await expect.poll(() => ended).toMatchObject({ code: 'jobs.lost' });
    await jobs.close();
    expect(await store.get(id)).toEqual(claimed);
  });
}
