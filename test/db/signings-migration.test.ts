// Entries that were stored before signings were kept apart keep what they say of who signed.
import { Kysely, PostgresDialect, SqliteDialect, sql } from 'kysely';
import SqliteConnection from 'better-sqlite3';
import { expect, test } from 'vitest';
import { type Dialect } from '../../src/db/database.ts';
import { registryTables } from '../../src/db/migrations/0001-registry.ts';
import { signingTables } from '../../src/db/migrations/0007-signings.ts';
import { openPool } from '../../src/db/postgres.ts';
import { type Tables } from '../../src/db/tables.ts';
import { describeWithTools } from '../setup/tools.ts';
import { postgresTools, startCluster } from './postgres-cluster.ts';

async function migrateOld(db: Kysely<Tables>, dialect: Dialect): Promise<void> {
  for (const statement of registryTables(dialect)) await sql.raw(statement).execute(db);
  const none = { valid_count: 0, expired_count: 0, deprecated_count: 0, all_count: 0, version: 0 };
  await db
    .insertInto('entry_classes')
    .values({ id: 0, facets: '[]', ...none })
    .execute();
  const signed = ['jane', 'joe', 'jane', 'jane'].map((signer, id) => ({ id, signer, steps: id === 3 ? 'weak' : 'ok' }));
  for (const { id, signer, steps } of signed) {
    const key = { identifier: `i${id}`, email: signer, created: '2026' };
    await db
      .insertInto('documents')
      .values({ id, sha256: String(id), ...key, accepted_at: '2026', bytes: Buffer.of(id) })
      .execute();
    await db
      .insertInto('entries')
      .values({
        id,
        ...key,
        status: 'valid',
        replaced_by: null,
        valid_until: null,
        class_id: 0,
        tag: null,
        title_key: '',
      })
      .execute();
    await sql`insert into entry_details values (${id}, ${String(id)}, '2026', 0, '{}', ${signer}, ${steps})`.execute(
      db,
    );
  }
  for (const statement of signingTables(dialect)) await sql.raw(statement).execute(db);
  const rows = await db
    .selectFrom('entry_details as d')
    .innerJoin('signings as s', 's.id', 'd.signing_id')
    .select(['d.id', 'd.metadata', 's.signer', 's.steps'])
    .orderBy('d.id')
    .execute();
  expect(rows).toEqual(signed.map((row) => ({ ...row, metadata: '{}' })));
  expect((await db.selectFrom('signings').select('id').orderBy('id').execute()).map(({ id }) => id)).toEqual([0, 1, 3]);
}

test('on SQLite', async () => {
  const connection = new SqliteConnection(':memory:');
  connection.pragma('foreign_keys = ON');
  const db = new Kysely<Tables>({ dialect: new SqliteDialect({ database: connection }) });
  await expect(migrateOld(db, 'sqlite')).resolves.toBeUndefined();
  await db.destroy();
});

describeWithTools('on PostgreSQL', postgresTools, () => {
  test('on PostgreSQL', async () => {
    const cluster = await startCluster();
    const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: await openPool(cluster.location()) }) });
    await expect(migrateOld(db, 'postgres')).resolves.toBeUndefined();
    await db.destroy();
    await cluster.stop();
  });
});
