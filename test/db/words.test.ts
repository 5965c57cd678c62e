// Entries are found by the beginnings of all their words, the newest of them, whichever way leads to them.
import * as fc from 'fast-check';
import { sql, type RawBuilder } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDatabase, type Database } from '../../src/db/database.ts';
import { idsWithWords, insertWords, postgresIdsWithWords } from '../../src/db/words.ts';
import { describeWithTools } from '../setup/tools.ts';
import { withinTime } from '../setup/within-time.ts';
import { postgresTools, startCluster, type Cluster } from './postgres-cluster.ts';

// A 𝒾 takes two units of UTF-16, and the words around it are as long as the longest beginning that has an index.
const word = fc.constantFrom(
  'a',
  'ab',
  'abc',
  'b',
  'karlsruhe',
  'karlsruher',
  'karlsru',
  'karlsruh',
  'karlsru𝒾𝒾',
  '12',
  '1',
);
const words = fc.uniqueArray(word, { minLength: 1, maxLength: 3 });
/** The words of entries, the oldest first: runs of entries with the same words, so that some are frequent of late. */
const entries = fc
  .array(fc.tuple(words, fc.integer({ min: 1, max: 6 })), { minLength: 1, maxLength: 8 })
  .map((runs) => runs.flatMap(([of, times]) => Array.from({ length: times }, () => of)));

function expected(all: readonly (readonly string[])[], asked: readonly string[], limit: number): readonly number[] {
  const fits = (of: readonly string[]) => asked.every((begin) => of.some((each) => each.startsWith(begin)));
  const ids = all.flatMap((of, index) => (fits(of) ? [index + 1] : []));
  return ids.reverse().slice(0, limit);
}

async function findsAll(
  { dialect, query }: Database,
  queryOf: (asked: readonly string[], limit: number, walk: readonly [number, number, number]) => RawBuilder<unknown>,
): Promise<void> {
  const walk = fc.tuple(
    fc.integer({ min: 0, max: 8 }),
    fc.integer({ min: 0, max: 4 }),
    fc.integer({ min: 0, max: 20 }),
  );
  const property = fc.asyncProperty(
    entries,
    words,
    fc.integer({ min: 1, max: 12 }),
    walk,
    withinTime(4000, async (all, asked, limit, plan) => {
      await sql`delete from entry_words`.execute(query);
      await insertWords(
        dialect,
        query,
        all.map((of, index) => ({ id: index + 1, words: of })),
      );
      const { rows } = await sql<{ id: number }>`${queryOf(asked, limit, plan)}`.execute(query);
      expect(rows.map(({ id }) => id).sort((a, b) => b - a)).toEqual(expected(all, asked, limit));
    }),
  );
  await fc.assert(property, { numRuns: 300 });
}

test('on SQLite', async () => {
  const db = await openDatabase({ file: ':memory:' });
  await expect(findsAll(db, (asked, limit) => idsWithWords('sqlite', asked, limit))).resolves.toBeUndefined();
  await db.close();
});

describeWithTools('on PostgreSQL', postgresTools, () => {
  let cluster: Cluster;
  let db: Database;
  beforeAll(async () => {
    cluster = await startCluster();
    db = await openDatabase(cluster.location());
    await sql`alter table entry_words drop constraint entry_words_id_fkey`.execute(db.query);
  });
  afterAll(async () => {
    await db.close();
    await cluster.stop();
  });

  test('walking, by the index of beginnings, and both', async () => {
    const found = findsAll(db, (asked, limit, [sample, frequent, mostWalked]) =>
      postgresIdsWithWords(asked, limit, { sample, frequent, mostWalked }),
    );
    await expect(found).resolves.toBeUndefined();
  });

  test('a table in which every word is rare is searched by its index alone', async () => {
    await sql`delete from entry_words`.execute(db.query);
    const all = Array.from({ length: 3000 }, (_, id) => ({ id, words: ['image', `build${id}`, `of${id % 50}`] }));
    await insertWords('postgres', db.query, all);
    await sql`analyze entry_words`.execute(db.query);
    const query = idsWithWords('postgres', ['build1234', 'image'], 100);
    const { rows } = await sql<{ 'QUERY PLAN': string }>`explain (analyze) ${query}`.execute(db.query);
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
    expect(plan).toMatch(/Bitmap Index Scan on entry_words_by_beginning .*actual/u);
    expect(plan).not.toMatch(/Seq Scan/u);
  });
});
