// Who may work with a database at the same time, on both products, and that a hold outlives neither its holder nor a crash.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type PostgresLocation, type SqliteLocation } from '../../src/db/database.ts';
import { holdDatabase } from '../../src/db/hold.ts';
import { describeWithTools } from '../setup/tools.ts';
import { postgresTools, startCluster, type Cluster } from './postgres-cluster.ts';

const inUse = { code: 'db.in-use' };

function holdSuite(location: () => SqliteLocation | PostgresLocation): void {
  test('many together, or one alone', async () => {
    const one = await holdDatabase(location(), 'together');
    const two = await holdDatabase(location(), 'together');
    await expect(holdDatabase(location(), 'alone')).rejects.toMatchObject(inUse);
    await one.release();
    await expect(holdDatabase(location(), 'alone')).rejects.toMatchObject(inUse);
    await two.release();
    const alone = await holdDatabase(location(), 'alone');
    await expect(holdDatabase(location(), 'together')).rejects.toMatchObject(inUse);
    await expect(holdDatabase(location(), 'alone')).rejects.toMatchObject(inUse);
    await alone.release();
    await (await holdDatabase(location(), 'together')).release();
  });
}

describe('on SQLite', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mintmark-hold-'));
  });
  afterAll(() => rm(folder, { recursive: true }));
  holdSuite(() => ({ file: join(folder, 'registry.sqlite') }));
});

describeWithTools('on PostgreSQL', postgresTools, () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startCluster();
  });
  afterAll(() => cluster.stop());
  holdSuite(() => cluster.location());

  test('a hold comes back after a crash of the server', async () => {
    const held = await holdDatabase(cluster.location(), 'together');
    await cluster.crash();
    await expect
      .poll(
        async () => {
          try {
            await (await holdDatabase(cluster.location(), 'alone')).release();
            return 'free';
          } catch (error) {
            return (error as { code: string }).code;
          }
        },
        { timeout: 10_000, interval: 200 },
      )
      .toBe('db.in-use');
    await held.release();
  });

  test('a server that is not there is told', async () => {
    const location = { url: 'postgres://mintmark@/postgres?host=/nowhere' };
    await expect(holdDatabase(location, 'alone')).rejects.toMatchObject({ code: 'db.unreachable' });
  });
});
