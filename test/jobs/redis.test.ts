// Jobs of several processes that share a Redis: the same contract, processes that are killed, and a Redis that forgets everything.
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { openDatabase } from '../../src/db/database.ts';
import { overRedis } from '../../src/jobs/engines/redis.ts';
import { openJobs } from '../../src/jobs/jobs.ts';
import { describeWithTools } from '../setup/tools.ts';
import { startRedis, type RedisServer } from './redis-server.ts';
import { freshSite, kindOf, until, promised, type OpenSite } from './site.ts';
import { contractSuite } from './suites/contract.ts';
import { takeoverSuite } from './suites/takeover.ts';

// The build that the suites start with; a child process cannot load TypeScript on every Node that is supported.
const built = (path: string): string => JSON.stringify(resolve('dist/src', path));
const program = `
import { appendFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
const [folder, url, node] = process.argv.slice(1);
const { openDatabase } = await import(${built('db/database.js')});
const { openJobs } = await import(${built('jobs/jobs.js')});
const { overRedis } = await import(${built('jobs/engines/redis.js')});
const say = (text) => appendFileSync(folder + '/log', text + ' ' + node + '\\n');
const jobs = await openJobs({
  db: await openDatabase({ file: folder + '/jobs.sqlite' }), node, place: 'here', queue: overRedis(url), lease: 1500,
  now: () => new Date(), random: randomBytes,
  kinds: [{ name: 'task', concurrency: 1, parse: (data) => data, retryAfter: () => undefined, async run({ signal }) {
    say('begun');
    await new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason));
      setTimeout(resolve, 1500);
    });
    say('done');
  } }],
});
await jobs.begin();
say('ready');
setInterval(() => undefined, 1000);
`;

describeWithTools('jobs over Redis', ['redis-server'], () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis?.stop());

  const open: OpenSite = async () => {
    const db = await openDatabase({ file: ':memory:' });
    onTestFinished(() => db.close());
    return { db, queue: () => overRedis(redis.url) };
  };

  describe('the contract', () => {
    contractSuite(open);
  });
  describe('taking over', () => {
    takeoverSuite(open);
  });

  test('of two processes one is killed with kill -9: the other finishes its job, once', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'mintmark-jobs-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    appendFileSync(join(folder, 'log'), '');
    const log = (): readonly string[] => readFileSync(join(folder, 'log'), 'utf8').split('\n').filter(Boolean);
    const db = await openDatabase({ file: join(folder, 'jobs.sqlite') });
    const parts = { db, node: 'asker', place: 'here', kinds: [], now: () => new Date(), random: randomBytes };
    const jobs = await openJobs({ ...parts, queue: overRedis(redis.url) });
    const children = new Map<string, ChildProcess>();
    onTestFinished(async () => {
      await jobs.close();
      await db.close();
      for (const child of children.values()) {
        if (child.exitCode !== null || child.signalCode !== null) continue;
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
    });
    for (const node of ['one', 'other']) {
      const args = ['--input-type=module', '-e', program, folder, redis.url, node];
      children.set(node, spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] }));
    }
    await expect.poll(log, { timeout: 20_000 }).toHaveLength(2);
    const { id } = await jobs.submit({ kind: 'task', key: 'image' });
    await expect.poll(log, { timeout: 20_000 }).toHaveLength(3);
    const [killed, survivor] = log()[2] === 'begun one' ? ['one', 'other'] : ['other', 'one'];
    children.get(killed ?? '')?.kill('SIGKILL');
    const job = await jobs.wait(id);
    expect(job).toMatchObject({ state: 'done', losses: 1 });
    expect(log().slice(2)).toEqual([`begun ${killed}`, `begun ${survivor}`, `done ${survivor}`]);
    expect(job.attempts.map(({ outcome, worker }) => [outcome, worker.split('/')[0]])).toEqual([
      ['lost', killed],
      ['done', survivor],
    ]);
  }, 90_000);

  test('what is cancelled, and what changes, elsewhere is heard over Redis: long before the next sign of life', async () => {
    const site = await freshSite(open);
    // The next sign of life of an attempt, and the next sweep, come after 200 s.
    const lease = 600_000;
    const within = { timeout: 20_000 };
    const { kept, keep } = promised();
    const jobs = await site.start([kindOf((run) => until(kept, run).then(() => undefined), { concurrency: 2 })], {
      lease,
    });
    const elsewhere = await site.start([], { lease });
    const told: string[] = [];
    elsewhere.onChange(({ key, state }) => told.push(`${key} ${state}`));
    const cancelled = await elsewhere.submit({ kind: 'task', key: 'cancelled' });
    const finished = await elsewhere.submit({ kind: 'task', key: 'finished' });
    await expect.poll(() => told, within).toEqual(expect.arrayContaining(['cancelled running', 'finished running']));
    expect(await elsewhere.cancel(cancelled.id)).toMatchObject({ state: 'running', cancelling: true });
    await expect.poll(async () => (await jobs.get(cancelled.id))?.state, within).toBe('cancelled');
    keep();
    await expect.poll(() => told, within).toEqual(expect.arrayContaining(['cancelled cancelled', 'finished done']));
    expect((await elsewhere.get(finished.id))?.state).toBe('done');
  });

  test('a Redis that is killed, and forgets everything, ends no job and loses none', async () => {
    const own = await startRedis();
    onTestFinished(() => own.stop());
    const db = await openDatabase({ file: ':memory:' });
    onTestFinished(() => db.close());
    const site = await freshSite(async () => ({ db, queue: () => overRedis(own.url) }));
    const { kept, keep } = promised();
    const ran: string[] = [];
    const jobs = await site.start(
      [
        kindOf(
          async (run) => {
            if (run.key === 'runs') await until(kept, run);
            ran.push(run.key);
            return undefined;
          },
          { concurrency: 1 },
        ),
      ],
      { lease: 900 },
    );
    const running = await jobs.submit({ kind: 'task', key: 'runs' });
    await expect.poll(async () => (await jobs.get(running.id))?.state).toBe('running');
    const waits = await jobs.submit({ kind: 'task', key: 'waits' });
    await own.stop();
    const asked = await jobs.submit({ kind: 'task', key: 'asked for meanwhile' });
    keep();
    expect((await jobs.wait(running.id)).state).toBe('done');
    expect((await jobs.get(asked.id))?.state).toBe('queued');
    await own.start();
    expect((await jobs.wait(waits.id)).state).toBe('done');
    expect((await jobs.wait(asked.id)).state).toBe('done');
    expect([ran[0], ...ran.slice(1).sort()]).toEqual(['runs', 'asked for meanwhile', 'waits']);
  }, 60_000);

  test('a Redis that is not there is told at the start', async () => {
    const db = await openDatabase({ file: ':memory:' });
    onTestFinished(() => db.close());
    const site = await freshSite(async () => ({ db, queue: () => overRedis('redis://127.0.0.1:1') }));
    await expect(site.start([])).rejects.toMatchObject({ code: 'jobs.queue' });
  });
});
