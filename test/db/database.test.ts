// The database: durable settings, tables once, and a second opening that changes nothing.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openDatabase } from '../../src/db/database.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mintmark-db-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('commits are synced, and foreign keys are checked', async () => {
  const database = await openDatabase({ file: join(folder, 'deep', 'registry.db') });
  const setting = async (name: string) =>
    Object.values((await sql.raw(`pragma ${name}`).execute(database.query)).rows[0] ?? {})[0] as unknown;
  expect(await setting('journal_mode')).toBe('wal');
  expect(await setting('synchronous')).toBe(2);
  expect(await setting('foreign_keys')).toBe(1);
  await database.close();
});

test('opening again keeps what is there', async () => {
  const file = join(folder, 'registry.db');
  const first = await openDatabase({ file });
  await first.query.updateTable('registry_state').set({ version: 7 }).execute();
  await first.close();
  const second = await openDatabase({ file });
  expect(await second.query.selectFrom('registry_state').select('version').execute()).toEqual([{ version: 7 }]);
  await second.close();
});

test('a database of a later version is refused, and left alone', async () => {
  const file = join(folder, 'registry.db');
  const first = await openDatabase({ file });
  await sql`insert into kysely_migration (name, timestamp) values ('9999-later', '2030')`.execute(first.query);
  await first.close();
  await expect(openDatabase({ file })).rejects.toMatchObject({ code: 'db.migration' });
});
