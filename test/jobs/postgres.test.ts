// Jobs of several processes, in PostgreSQL, without anything that tells one of another.
import { afterAll, beforeAll, describe, onTestFinished } from 'vitest';
import { openDatabase } from '../../src/db/database.ts';
import { postgresTools, startCluster, type Cluster } from '../db/postgres-cluster.ts';
import { describeWithTools } from '../setup/tools.ts';
import { type OpenSite } from './site.ts';
import { contractSuite } from './suites/contract.ts';
import { takeoverSuite } from './suites/takeover.ts';

describeWithTools('jobs on PostgreSQL', postgresTools, () => {
  let cluster: Cluster;
  let count = 0;
  beforeAll(async () => {
    cluster = await startCluster();
  });
  afterAll(() => cluster.stop());

  const open: OpenSite = async () => {
    count += 1;
    const name = `jobs_${count}`;
    await cluster.createDatabase(name);
    const db = await openDatabase({ ...cluster.location(name), connections: 8 });
    onTestFinished(() => db.close());
    return { db, queue: () => undefined };
  };

  describe('the queue of one process', () => {
    contractSuite(open);
  });
  describe('taking over', () => {
    takeoverSuite(open);
  });
});
