// The registry on PostgreSQL: the same suites, and a crash of server and client under load.
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openDatabase, type Database } from '../../src/db/database.ts';
import { postgresTools, startCluster, type Cluster } from '../db/postgres-cluster.ts';
import { describeWithTools } from '../setup/tools.ts';
import { surviveKillsConfirming } from './killed-confirming.ts';
import { surviveKilledReindex } from './killed-reindex.ts';
import { surviveKills } from './killed.ts';
import { registryOver, type OpenTestRegistry } from './open-registry.ts';
import { acceptSuite } from './suites/accept.ts';
import { confirmSuite } from './suites/confirm.ts';
import { findSuite } from './suites/find.ts';
import { pagingSuite } from './suites/paging.ts';
import { plansSuite } from './suites/plans.ts';
import { queriesOf } from './suites/queries.ts';
import { reindexSuite } from './suites/reindex.ts';

/** Those that hold rows, dependent ones first. */
const tables = [
  'pending_documents',
  'confirmed_signers',
  'endorser_uploads',
  'entry_details',
  'signings',
  'entries',
  'entry_classes',
  'documents',
  'log_leaves',
  'log_nodes',
  'endorsers',
] as const;

describeWithTools('the registry on PostgreSQL', postgresTools, () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startCluster();
  });
  afterAll(async () => {
    await Promise.all(idle.map((db) => db.close()));
    await cluster.stop();
  });

  const idle: Database[] = [];

  /** An empty registry; where one was closed, its database is emptied and taken again. */
  const openEmpty: OpenTestRegistry = async (deps) => {
    const db = idle.pop() ?? (await openNew());
    for (const table of tables) await db.query.deleteFrom(table).execute();
    await sql`delete from entry_words`.execute(db.query);
    await db.query.updateTable('registry_state').set({ version: 0, log_size: 0, swept_at: '0000' }).execute();
    const close = (): Promise<void> => {
      idle.push(db);
      return Promise.resolve();
    };
    return { ...registryOver(db, deps), close };
  };

  let databases = 0;
  const openNew = async (): Promise<Database> => {
    databases += 1;
    const name = `registry_${databases}`;
    await cluster.createDatabase(name);
    return openDatabase({ ...cluster.location(name), connections: 4 });
  };

  describe('accepting', () => {
    acceptSuite(openEmpty);
  });
  describe('confirming', () => {
    confirmSuite(openEmpty);
  });
  describe('finding', () => {
    findSuite(openEmpty);
  });
  describe('paging', () => {
    pagingSuite(openEmpty, 20);
  });
  describe('plans', () => {
    plansSuite(openEmpty, 60);
  });
  describe('reindexing', () => {
    reindexSuite(openEmpty);
  });

  test.each([
    ['that it acknowledged', 'postgres', surviveKills],
    ['while endorsers confirm', 'confirming', surviveKillsConfirming],
  ])(
    'a killed registry on PostgreSQL loses nothing %s, nor does a killed server',
    async (_what, database, survive) => {
      if (database !== 'postgres') await cluster.createDatabase(database);
      const location = cluster.location(database);
      const open = async () => {
        await cluster.crash();
        return openDatabase(location);
      };
      await expect(survive(location, open)).resolves.toBeUndefined();
    },
    120_000,
  );

  test('a killed reindex on PostgreSQL leaves the index as it was, and another one mends what is broken', async () => {
    await cluster.createDatabase('reindexed');
    const location = cluster.location('reindexed');
    await expect(surviveKilledReindex(location, () => openDatabase(location))).resolves.toBeUndefined();
  }, 120_000);

  test('the queries are those that were reviewed', async () => {
    const said: string[] = [];
    await cluster.createDatabase('golden');
    const db = await openDatabase(cluster.location('golden'), { onQuery: (text) => said.push(text) });
    const subject = registryOver(db);
    await expect(await queriesOf(subject, said)).toMatchFileSnapshot('./golden/queries.postgres.sql');
    await subject.close();
  });

  test('a server that is not there is told', async () => {
    const url = 'postgres://mintmark@/postgres?host=/nowhere';
    await expect(openDatabase({ url })).rejects.toMatchObject({ code: 'db.unreachable' });
  });
});
