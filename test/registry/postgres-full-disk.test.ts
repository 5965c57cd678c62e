// PostgreSQL on a disk that is really full: its tables alone, and all that it keeps, the log of its writes included.
import { afterEach, expect, test } from 'vitest';
import { openDatabase } from '../../src/db/database.ts';
import { Fault } from '../../src/errors/fault.ts';
import { postgresTools, startCluster, type Cluster } from '../db/postgres-cluster.ts';
import { smallDiskTools } from '../db/small-disk.ts';
import { describeWithTools } from '../setup/tools.ts';
import { registryOver } from './open-registry.ts';

describeWithTools('PostgreSQL on a full disk', [...postgresTools, ...smallDiskTools], () => {
  let cluster: Cluster | undefined;
  afterEach(async () => {
    await cluster?.stop();
    cluster = undefined;
  });

  test.each([
    ['tables', 16, ['db.full']],
    // Without room for the log of its writes the server crashes, until there is some.
    ['writes', 8, ['db.unreachable']],
    ['everything', 64, ['db.full', 'db.unreachable']],
  ] as const)(
    'refuses uploads, loses nothing, and goes on when there is room again: a full disk with its %s',
    async (holds, mebibytes, expected) => {
      cluster = await startCluster({ disk: { mebibytes, holds } });
      const subject = registryOver(await openDatabase(cluster.location()));
      const description = 'words that fill a page '.repeat(200);
      const outcomeOf = async (number: number): Promise<string> => {
        try {
          return (await subject.upload({ image: `image ${number}`, description })).outcome;
        } catch (error) {
          if (error instanceof Fault) return error.code;
          throw error;
        }
      };
      const kept = new Set<number>();
      const refusals = new Set<string>();
      const upload = async (number: number): Promise<string> => {
        const outcome = await outcomeOf(number);
        if (outcome === 'created') kept.add(number);
        else refusals.add(outcome);
        return outcome;
      };
      expect(await upload(0)).toBe('created');
      await cluster.disk?.fill();
      // Several at a time, as a server has them.
      for (let first = 1; first < 1000 && refusals.size === 0; first += 5) {
        await Promise.all([0, 1, 2, 3, 4].map((number) => upload(first + number)));
      }
      expect(refusals.size).toBeGreaterThan(0);
      expect([...refusals].filter((code) => !expected.some((one) => one === code))).toEqual([]);

      await cluster.disk?.makeRoom();
      await cluster.revive();
      await expect.poll(() => upload(1000), { timeout: 30_000 }).toBe('created');
      for (const number of kept) expect(await outcomeOf(number)).toBe('unchanged');
      const { total } = await subject.find({ status: 'all' });
      // What a crash cut short may be there although nobody could be told; what was refused is not.
      expect(total).toBeGreaterThanOrEqual(kept.size);
      expect(refusals.has('db.unreachable') || total === kept.size).toBe(true);
      expect(await subject.registry.reindex()).toMatchObject({ entries: total, leaves: total, failed: [] });
      await subject.close();
    },
    90_000,
  );
});
