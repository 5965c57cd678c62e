// Jobs as the first version kept them in the database: every later version must read such rows, and run what waits in them.
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { type Insertable } from 'kysely';
import { expect, onTestFinished, test } from 'vitest';
import { openDatabase, type Database } from '../../src/db/database.ts';
import { type Tables } from '../../src/db/tables.ts';
import { openJobs } from '../../src/jobs/jobs.ts';
import { type Job, type JobKind } from '../../src/jobs/model.ts';
import { createJobStore } from '../../src/jobs/store.ts';
import { pullKind } from '../../src/pull/pull-jobs.ts';
import { upkeepKinds } from '../../src/site/upkeep-jobs.ts';

/** Never written again: rows of another form get a file of their own beside this one. */
const golden = 'test/jobs/golden/jobs-1.json';
type Row = Insertable<Tables['jobs']>;
const first = async (): Promise<readonly Row[]> => JSON.parse(await readFile(golden, 'utf8')) as Row[];

const at = (second: number): string => new Date(Date.parse('2026-01-02T03:04:05.678Z') + second * 1000).toISOString();
const data = (letter: string) => ({
  identifier: letter.repeat(27),
  email: 'a@example.org',
  created: '2026-01-01T00:00:00Z',
  bytes: 1000,
});
const failure = {
  code: 'pull.unreachable',
  message: 'http://example.org/disk: it answers with 404.',
  action: 'Ask again later.',
  details: { identifier: 'A'.repeat(27), attempts: [{ location: 'http://example.org/disk', kind: 'unreachable' }] },
};

async function emptyDatabase(): Promise<Database> {
  const db = await openDatabase({ file: ':memory:' });
  onTestFinished(() => db.close());
  return db;
}

/** One job in every state, with everything that a job can have. */
async function writeAll(db: Database): Promise<void> {
  const store = createJobStore(db, 'here');
  const worker = 'node-1/0123abcd';
  const add = async (kind: string, key: string, content: unknown, priority: number): Promise<number> =>
    (await store.add({ kind, key, data: content, priority }, at(0))).job.id;
  const begin = (id: number, second: number) =>
    store.apply(id, { type: 'claim', at: at(second), worker, leaseUntil: at(second + 30) });

  await add('pull', 'A'.repeat(27), data('A'), 20);
  const retrying = await add('pull', 'B'.repeat(27), data('B'), 10);
  await begin(retrying, 1);
  const progress = { phase: 'fetching', fetchedBytes: 10 };
  await store.apply(retrying, { type: 'beat', worker, leaseUntil: at(60), progress });
  await store.apply(retrying, { type: 'fail', at: at(2), worker, failure, retryAt: at(62) });
  const running = await add('scrub', 'vault', { restart: true }, 10);
  await begin(running, 3);
  await store.apply(running, { type: 'release', at: at(4), worker });
  await begin(running, 5);
  await store.apply(running, {
    type: 'beat',
    worker,
    leaseUntil: at(90),
    progress: { packs: 1, ofPacks: 2, bytes: 3 },
  });
  await store.apply(running, { type: 'cancel', at: at(6) });
  const done = await add('collection', 'vault', {}, 0);
  await begin(done, 7);
  await store.apply(done, { type: 'lose', at: at(8), worker, most: 5, failure });
  await begin(done, 9);
  await store.apply(done, { type: 'succeed', at: at(10), worker, result: { removedPacks: 1 } });
  const failed = await add('pull', 'C'.repeat(27), data('C'), 10);
  await begin(failed, 11);
  await store.apply(failed, { type: 'fail', at: at(12), worker, failure });
  await store.apply(await add('probe', 'locations', {}, 0), { type: 'cancel', at: at(13) });
}

test("today's version keeps jobs as version 1 did, to the letter", async () => {
  const db = await emptyDatabase();
  await writeAll(db);
  expect(await db.query.selectFrom('jobs').selectAll().orderBy('id').execute()).toEqual(await first());
});

test('jobs of version 1 are read, and those that wait or were running are run', async () => {
  const db = await emptyDatabase();
  await db.query
    .insertInto('jobs')
    .values([...(await first())])
    .execute();
  const list = (await createJobStore(db, 'here').list({ limit: 10 })).toReversed();
  expect(list.map(({ kind, state, cancelling, attempts }) => [kind, state, cancelling, attempts.length])).toEqual([
    ['pull', 'queued', false, 0],
    ['pull', 'retrying', false, 1],
    ['scrub', 'running', true, 2],
    ['collection', 'done', false, 2],
    ['pull', 'failed', false, 1],
    ['probe', 'cancelled', false, 0],
  ]);
  expect(list[1]).toMatchObject({
    failure,
    runAt: at(62),
    progress: { phase: 'fetching' },
    failures: 1,
    data: data('B'),
  });
  expect(list[3]).toMatchObject({
    result: { removedPacks: 1 },
    losses: 1,
    attempts: [{ outcome: 'lost' }, { outcome: 'done' }],
  });

  const ran: unknown[] = [];
  const noting = (kind: JobKind): JobKind => ({
    ...kind,
    async run({ data: given }) {
      ran.push(given);
      return undefined;
    },
  });
  const pulls = pullKind({
    puller: {} as never,
    vault: {} as never,
    repair: () => Promise.reject(new Error('not asked')),
    metadataOf: () => Promise.reject(new Error('not asked')),
    concurrency: 1,
  });
  const jobs = await openJobs({
    db,
    node: 'node-1',
    place: 'here',
    kinds: [pulls, ...upkeepKinds({} as never, () => ({}) as never)].map(noting),
    now: () => new Date(at(3600)),
    random: randomBytes,
  });
  onTestFinished(() => jobs.close());
  await jobs.begin();
  const ended: Job[] = [];
  for (const id of [1, 2, 3]) ended.push(await jobs.wait(id));
  // Its end was asked for before its process was gone.
  expect(ended.map(({ state }) => state)).toEqual(['done', 'done', 'cancelled']);
  expect(ran).toEqual([data('A'), data('B')]);
});
