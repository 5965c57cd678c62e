// What every queue must keep to, whatever tells the workers.
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { resultOf } from '../../../src/jobs/jobs.ts';
import { backOff } from '../../../src/jobs/back-off.ts';
import { priorities, type Job } from '../../../src/jobs/model.ts';
import { broken, freshSite, kindOf, promised, until, type OpenSite } from '../site.ts';

const whereRun = (place: string) => kindOf(async () => ({ place }));

export function contractSuite(open: OpenSite): void {
  test('a job is run once, and its result and its attempt are kept', async () => {
    const site = await freshSite(open);
    const jobs = await site.start([kindOf(async ({ key, data, attempt }) => ({ key, data, attempt }))]);
    const { id } = await jobs.submit({ kind: 'task', key: 'a', data: { size: 1 } });
    const job = await jobs.wait(id);
    expect(resultOf(job)).toEqual({ key: 'a', data: { size: 1 }, attempt: 1 });
    expect(job.attempts).toMatchObject([{ number: 1, outcome: 'done' }]);
    expect(await jobs.get(id)).toEqual(job);
  });

  test('two hundred that ask for the same get one job; one that asks afterwards gets another', async () => {
    const site = await freshSite(open);
    const { kept, keep } = promised();
    let runs = 0;
    const kind = kindOf(async (run) => {
      runs += 1;
      await until(kept, run);
      return undefined;
    });
    const [one, other] = [await site.start([kind]), await site.start([kind])];
    const asked = await Promise.all(
      Array.from({ length: 200 }, (_, number) =>
        (number % 2 === 0 ? one : other).submit({ kind: 'task', key: 'same' }),
      ),
    );
    const [id = 0, ...others] = new Set(asked.map((job) => job.id));
    expect(others).toEqual([]);
    keep();
    await Promise.all([one.wait(id), other.wait(id)]);
    expect(runs).toBe(1);
    const next = await one.submit({ kind: 'task', key: 'same' });
    expect(next.id).not.toBe(id);
    await one.wait(next.id);
    expect(runs).toBe(2);
  });

  test('no more of a kind run at once than it says, and no key twice, over two processes', async () => {
    const site = await freshSite(open);
    const atWork = new Map<string, number>();
    // None ends before three of one process have been at work together.
    const { kept, keep } = promised();
    let most = 0;
    let runs = 0;
    const kindAt = (place: string) =>
      kindOf(
        async ({ key }) => {
          for (const name of [place, key]) atWork.set(name, (atWork.get(name) ?? 0) + 1);
          most = Math.max(most, atWork.get(place) ?? 0);
          if (most === 3) keep();
          await kept;
          expect(atWork.get(key)).toBe(1);
          runs += 1;
          await delay(5);
          for (const name of [place, key]) atWork.set(name, (atWork.get(name) ?? 0) - 1);
          return undefined;
        },
        { concurrency: 3 },
      );
    const [one, other] = [await site.start([kindAt('one')]), await site.start([kindAt('other')])];
    const jobs = await Promise.all(
      Array.from({ length: 40 }, (_, key) => (key % 2 === 0 ? one : other).submit({ kind: 'task', key: `k${key}` })),
    );
    for (const { id } of jobs) expect((await one.wait(id)).state).toBe('done');
    expect([most, runs]).toEqual([3, 40]);
  });

  test('what is urgent comes first', async () => {
    const site = await freshSite(open);
    const order: string[] = [];
    const { kept, keep } = promised();
    const kind = kindOf(
      async (run) => {
        if (run.key === 'first') await until(kept, run);
        order.push(run.key);
        return undefined;
      },
      { concurrency: 1 },
    );
    const jobs = await site.start([kind]);
    const first = await jobs.submit({ kind: 'task', key: 'first' });
    while ((await jobs.get(first.id))?.state !== 'running') await delay(5);
    const ids: number[] = [];
    for (const [key, priority] of [
      ['low', priorities.background],
      ['usual', priorities.usual],
      ['later', priorities.usual],
      ['urgent', priorities.urgent],
    ] as const)
      ids.push((await jobs.submit({ kind: 'task', key, priority })).id);
    keep();
    for (const id of ids) await jobs.wait(id);
    expect(order).toEqual(['first', 'urgent', 'usual', 'later', 'low']);
  });

  test('an attempt that fails is followed by another, each later; the reasons are kept', async () => {
    const site = await freshSite(open);
    const kind = kindOf(
      async ({ attempt }) => {
        if (attempt < 3) throw broken(`attempt ${attempt}`);
        return { attempt };
      },
      { retryAfter: (_failure, failures) => backOff({ first: 20, longest: 1000, attempts: 5 }, failures) },
    );
    const jobs = await site.start([kind]);
    const job = await jobs.wait((await jobs.submit({ kind: 'task', key: 'a' })).id);
    expect(job).toMatchObject({ state: 'done', failures: 2, result: { attempt: 3 } });
    expect(job.attempts.map(({ outcome, failure }) => [outcome, failure?.message])).toEqual([
      ['failed', 'attempt 1'],
      ['failed', 'attempt 2'],
      ['done', undefined],
    ]);
  });

  test('a job that fails for good keeps its reason, which whoever waits is thrown', async () => {
    const site = await freshSite(open);
    const jobs = await site.start([
      kindOf(
        async () => {
          throw broken('never');
        },
        { retryAfter: (_failure, failures) => backOff({ first: 1, longest: 1, attempts: 2 }, failures) },
      ),
    ]);
    const job = await jobs.wait((await jobs.submit({ kind: 'task', key: 'a' })).id);
    expect(job).toMatchObject({ state: 'failed', failure: { code: 'pull.unreachable', message: 'never' } });
    expect(job.attempts).toHaveLength(2);
    expect(() => resultOf(job)).toThrow(
      expect.objectContaining({ code: 'pull.unreachable', details: { job: job.id } }) as Error,
    );
  });

  test('those without patience are told of a retry that is far away; whoever asks again has it done at once', async () => {
    const site = await freshSite(open);
    const kind = kindOf(
      async ({ attempt }) => {
        if (attempt === 1) throw broken();
        return undefined;
      },
      { retryAfter: () => 60 * 60 * 1000 },
    );
    const jobs = await site.start([kind]);
    const { id } = await jobs.submit({ kind: 'task', key: 'a' });
    const waiting = await jobs.wait(id, { patience: 1000 });
    expect(waiting).toMatchObject({ state: 'retrying', failure: { message: 'it does not work' } });
    expect((await jobs.submit({ kind: 'task', key: 'a' })).id).toBe(id);
    expect((await jobs.wait(id)).state).toBe('done');
  });

  test('a job is cancelled from any process, whether it waits, runs or is to be tried again', async () => {
    const site = await freshSite(open);
    const kind = kindOf(
      async (run) => {
        if (run.key === 'again') throw broken();
        await until(new Promise(() => undefined), run);
        return undefined;
      },
      { concurrency: 1, retryAfter: () => 60 * 60 * 1000 },
    );
    const jobs = await site.start([kind]);
    const again = await jobs.submit({ kind: 'task', key: 'again' });
    await jobs.wait(again.id, { patience: 0 });
    const running = await jobs.submit({ kind: 'task', key: 'runs' });
    while ((await jobs.get(running.id))?.state !== 'running') await delay(5);
    const elsewhere = await site.start([], { lease: 300 });
    const queued = await elsewhere.submit({ kind: 'task', key: 'waits' });
    for (const { id } of [again, queued]) {
      expect((await elsewhere.cancel(id)).state).toBe('cancelled');
      await expect(elsewhere.cancel(id)).rejects.toMatchObject({ code: 'jobs.finished' });
    }
    expect(await jobs.cancel(running.id)).toMatchObject({ state: 'running', cancelling: true });
    const ended = await elsewhere.wait(running.id);
    expect(ended).toMatchObject({ state: 'cancelled', attempts: [{ outcome: 'cancelled' }] });
    expect(() => resultOf(ended)).toThrow(expect.objectContaining({ code: 'jobs.cancelled' }) as Error);
    await expect(jobs.cancel(4711)).rejects.toMatchObject({ code: 'jobs.not-found' });
  });

  test('who asks for what is being cancelled gets a new job', async () => {
    const site = await freshSite(open);
    const { kept, keep } = promised();
    const jobs = await site.start([
      kindOf(async (run) => {
        if (run.id === first.id) {
          await until(new Promise(() => undefined), run).catch(() => kept);
          throw broken();
        }
        return undefined;
      }),
    ]);
    const first = await jobs.submit({ kind: 'task', key: 'a' });
    while ((await jobs.get(first.id))?.state !== 'running') await delay(5);
    await jobs.cancel(first.id);
    const asking = jobs.submit({ kind: 'task', key: 'a' });
    keep();
    const next = await asking;
    expect(next.id).not.toBe(first.id);
    expect((await jobs.wait(next.id)).state).toBe('done');
    expect((await jobs.get(first.id))?.state).toBe('cancelled');
  });

  test('progress is told while it runs, and kept', async () => {
    const site = await freshSite(open);
    const { kept, keep } = promised();
    const jobs = await site.start(
      [
        kindOf(async (run) => {
          for (let step = 1; step <= 3; step += 1) run.progress({ step });
          await until(kept, run);
          return undefined;
        }),
      ],
      { lease: 300 },
    );
    const told: unknown[] = [];
    const forget = jobs.onChange((job: Job) => told.push(job.progress?.['step']));
    const { id } = await jobs.submit({ kind: 'task', key: 'a' });
    const stored = async (): Promise<unknown> =>
      (await site.db.query.selectFrom('jobs').select('progress').execute())[0];
    while (JSON.stringify(await stored()) !== JSON.stringify({ progress: '{"step":3}' })) await delay(10);
    expect((await jobs.list({ states: ['running'], limit: 9 }))[0]).toMatchObject({ id, progress: { step: 3 } });
    keep();
    await jobs.wait(id);
    expect(told).toEqual(expect.arrayContaining([1, 2, 3]));
    forget();
  });

  test('a process that is stopped hands its jobs back, and another goes on with them', async () => {
    const site = await freshSite(open);
    const stuck = await site.start([
      kindOf(async (run) => {
        await until(new Promise(() => undefined), run);
        return undefined;
      }),
    ]);
    const { id } = await stuck.submit({ kind: 'task', key: 'a' });
    while ((await stuck.get(id))?.state !== 'running') await delay(5);
    const waiting = stuck.wait(id).catch((error: unknown) => error);
    await stuck.close();
    expect(await waiting).toMatchObject({ code: 'jobs.stopping' });
    await expect(stuck.submit({ kind: 'task', key: 'b' })).rejects.toMatchObject({ code: 'jobs.stopping' });
    const other = await site.start([kindOf(async () => undefined)]);
    const job = await other.wait(id);
    expect(job).toMatchObject({ state: 'done', losses: 0, failures: 0 });
    expect(job.attempts.map(({ outcome }) => outcome)).toEqual(['released', 'done']);
  });

  test('who waits can give up, and what is not there cannot be waited for', async () => {
    const site = await freshSite(open);
    const jobs = await site.start([
      kindOf(async (run) => {
        await until(new Promise(() => undefined), run);
        return undefined;
      }),
    ]);
    const { id } = await jobs.submit({ kind: 'task', key: 'a' });
    const enough = new AbortController();
    const waiting = jobs.wait(id, { signal: enough.signal });
    enough.abort(broken('enough'));
    await expect(waiting).rejects.toThrow('enough');
    await expect(jobs.wait(4711)).rejects.toMatchObject({ code: 'jobs.not-found' });
    expect((await jobs.get(id))?.state).not.toBe('cancelled');
  });

  test('servers with another vault have jobs of their own, though they share the database', async () => {
    const site = await freshSite(open);
    const [here, there] = [
      await site.start([whereRun('here')]),
      await site.start([whereRun('there')], { place: 'there' }),
    ];
    const asked = [await here.submit({ kind: 'task', key: 'a' }), await there.submit({ kind: 'task', key: 'a' })];
    expect(asked[0]?.id).not.toBe(asked[1]?.id);
    expect(resultOf(await here.wait(asked[0]?.id ?? 0))).toEqual({ place: 'here' });
    expect(resultOf(await there.wait(asked[1]?.id ?? 0))).toEqual({ place: 'there' });
    expect(await here.get(asked[1]?.id ?? 0)).toBeUndefined();
    expect(await there.list({ limit: 9 })).toHaveLength(1);
  });
}
