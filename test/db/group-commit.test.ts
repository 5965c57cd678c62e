// Writes at the same moment share a commit: each is told after it, and one that fails spoils none of the others.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openDatabase, type Database, type Queries, type SqliteLocation } from '../../src/db/database.ts';

let folder: string;
let database: Database;
let other: Database;

const add = (count: number) => async (queries: Queries) => {
  await queries
    .updateTable('registry_state')
    .set((row) => ({ version: row('version', '+', count) }))
    .execute();
  return count;
};
const version = async ({ query }: Database): Promise<number> =>
  (await query.selectFrom('registry_state').select('version').executeTakeFirstOrThrow()).version;
/** Which transaction this is: each writes its pages once. */
const commits = async (): Promise<number> => {
  const { rows } = await sql<{ data_version: number }>`pragma data_version`.execute(other.query);
  return rows[0]?.data_version ?? 0;
};

describe.each<readonly [string, Partial<SqliteLocation>]>([
  ['in the calling thread', {}],
  ['in threads', { readers: 2 }],
])('%s', (_, threads) => {
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mintmark-commit-'));
    const file = join(folder, 'registry.db');
    database = await openDatabase({ file, ...threads });
    other = await openDatabase({ file });
  });
  afterEach(async () => {
    await database.close();
    await other.close();
    await rm(folder, { recursive: true, force: true });
  });

  test('each is told when others can see it, and those that wait share a commit', async () => {
    const seen = await Promise.all(
      Array.from({ length: 40 }, async (_item, index) => {
        const result = await database.write(add(1));
        return { index, result, version: await version(other) };
      }),
    );
    for (const { index, result, version: visible } of seen) {
      expect(result).toBe(1);
      expect(visible).toBeGreaterThan(index);
    }
    expect(await version(database)).toBe(40);
    // The first does not wait for others; those that came meanwhile go together.
    const visible = new Set(seen.map(({ version: each }) => each));
    expect(visible.size).toBeLessThan(10);
  });

  test('one that fails is told why, and changes nothing', async () => {
    const wrong = new Error('not this one');
    const writes = [1, 2, 3, 4, 5].map((number) =>
      database
        .write(async (queries) => {
          await add(1)(queries);
          if (number === 3) throw wrong;
          return number;
        })
        .catch((error: unknown) => error),
    );
    expect(await Promise.all(writes)).toEqual([1, 2, wrong, 4, 5]);
    expect(await version(other)).toBe(4);
    expect(await database.write(add(1))).toBe(1);
  });

  test('a commit that fails is told to all, and the next goes on', async () => {
    await sql`create table parents (id integer primary key)`.execute(database.query);
    await sql`create table children (parent integer references parents deferrable initially deferred)`.execute(
      database.query,
    );
    const before = await commits();
    const orphan = database.write((queries) => sql`insert into children values (1)`.execute(queries));
    await expect(orphan).rejects.toMatchObject({ code: 'SQLITE_CONSTRAINT_FOREIGNKEY' });
    expect(await commits()).toBe(before);
    expect(await database.write(add(1))).toBe(1);
  });
});

test('with threads, a long query holds up neither short ones nor writes', async () => {
  folder = await mkdtemp(join(tmpdir(), 'mintmark-threads-'));
  database = await openDatabase({ file: join(folder, 'registry.db'), readers: 2 });
  const ended: string[] = [];
  const note = (name: string) => (): void => {
    ended.push(name);
  };
  const long = sql`select count(*) from (
    with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < 3000000) select n from numbers)`;
  await Promise.all([
    long.execute(database.query).then(note('long')),
    version(database).then(note('short')),
    database.write(add(1)).then(note('write')),
  ]);
  expect(ended.at(-1)).toBe('long');
  await database.close();
  await rm(folder, { recursive: true, force: true });
});
