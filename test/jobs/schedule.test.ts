// Jobs that come again: at their interval, once for all processes, also over a restart.
import { expect, onTestFinished, test } from 'vitest';
import { openDatabase } from '../../src/db/database.ts';
import { keepSchedule } from '../../src/jobs/schedule.ts';
import { freshSite, kindOf } from './site.ts';

const problem = (error: unknown): void => expect(error).toBeUndefined();

test('a scheduled job comes once in each interval, however many processes and restarts there are', async () => {
  const db = await openDatabase({ file: ':memory:' });
  onTestFinished(() => db.close());
  const clock = { now: new Date('2026-01-01T00:00:00Z') };
  const now = (): Date => clock.now;
  const site = await freshSite(async () => ({ db, queue: () => undefined }));
  const jobs = await site.start([kindOf(async () => undefined)], { now });
  const scheduled = [{ kind: 'task', key: 'all', every: 3_600_000 }];
  const ask = async (): Promise<number> => {
    // Two processes, each of which looks when it starts.
    for (let process = 0; process < 2; process += 1) {
      const asked = jobs.list({ kind: 'task', limit: 99 });
      keepSchedule({ jobs, scheduled, now, problem })();
      await asked;
    }
    await expect.poll(async () => (await jobs.list({ states: ['queued', 'running'], limit: 9 })).length).toBe(0);
    return (await jobs.list({ limit: 99 })).length;
  };
  expect(await ask()).toBe(0);
  await jobs.wait((await jobs.submit({ kind: 'task', key: 'all' })).id);
  clock.now = new Date('2026-01-01T00:59:59Z');
  expect(await ask()).toBe(1);
  clock.now = new Date('2026-01-01T01:00:00Z');
  await expect.poll(ask).toBe(2);
  clock.now = new Date('2026-01-01T01:30:00Z');
  expect(await ask()).toBe(2);
  clock.now = new Date('2025-01-01T00:00:00Z');
  await expect.poll(ask).toBe(3);
  expect(await ask()).toBe(3);
});
