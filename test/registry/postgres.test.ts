// The registry on PostgreSQL: the same suites, and a crash of server and client under load.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openDatabase } from '../../src/db/database.ts';
import { postgresTools, startCluster, type Cluster } from '../db/postgres-cluster.ts';
import { describeWithTools } from '../setup/tools.ts';
import { surviveKills } from './killed.ts';
import { registryOver, type OpenTestRegistry } from './open-registry.ts';
import { acceptSuite } from './suites/accept.ts';
import { findSuite } from './suites/find.ts';
import { pagingSuite } from './suites/paging.ts';
import { reindexSuite } from './suites/reindex.ts';

describeWithTools('the registry on PostgreSQL', postgresTools, () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startCluster();
    // The others are copies of it, tables and all.
    await (await openDatabase(cluster.location())).close();
  });
  afterAll(() => cluster.stop());

  let registries = 0;

  /** A database of its own for each registry. */
  const openEmpty: OpenTestRegistry = async (deps) => {
    registries += 1;
    const name = `registry_${registries}`;
    await cluster.createDatabase(name);
    return registryOver(await openDatabase({ ...cluster.location(name), connections: 4 }), deps);
  };

  describe('accepting', () => {
    acceptSuite(openEmpty);
  });
  describe('finding', () => {
    findSuite(openEmpty);
  });
  describe('paging', () => {
    pagingSuite(openEmpty);
  });
  describe('reindexing', () => {
    reindexSuite(openEmpty);
  });

  test('a killed registry on PostgreSQL loses nothing that it acknowledged, nor does a killed server', async () => {
    const open = async () => {
      await cluster.crash();
      return openDatabase(cluster.location());
    };
    await expect(surviveKills(cluster.location(), open)).resolves.toBeUndefined();
  }, 120_000);

  test('a server that is not there is told', async () => {
    const url = 'postgres://mintmark@/postgres?host=/nowhere';
    await expect(openDatabase({ url })).rejects.toMatchObject({ code: 'db.unreachable' });
  });
});
