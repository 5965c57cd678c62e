// The upkeep of the vault as jobs: one collection, one scrub and one eviction at a time over all servers that share it, the first every hour.
import { z } from 'zod';
import { backOff, type BackOff } from '../jobs/back-off.ts';
import { resultOf, type Jobs } from '../jobs/jobs.ts';
import { isActive, type Job, type JobKind } from '../jobs/model.ts';
import { type ScheduledJob } from '../jobs/schedule.ts';
import { type ImageRepair, type Repairs } from './repairs.ts';
import { type Upkeep } from './upkeep.ts';

/** There is one vault. */
const key = 'vault';
const hour = 60 * 60 * 1000;

/** The store is away, or a server of another database is at it. */
const untilItIsFree: BackOff = { first: 5000, longest: 5 * 60_000, attempts: 6 };
const worthWaiting = new Set(['vault.unavailable', 'vault.busy', 'db.unreachable']);
const scrubData = z.object({ restart: z.boolean().default(false), repair: z.boolean().default(true) });
/** Chosen when it was asked for: another attempt must not choose others again. */
const evictionData = z.object({ identifiers: z.array(z.string()) });

type Kind = Pick<JobKind, 'name' | 'parse' | 'run'>;

const kind = (parts: Kind): JobKind => ({
  ...parts,
  concurrency: 1,
  retryAfter: ({ code }, failures) => (worthWaiting.has(code) ? backOff(untilItIsFree, failures) : undefined),
});

/** `repairs` are asked when a scrub has read everything. */
export const upkeepKinds = (upkeep: Upkeep, repairs: () => Pick<Repairs, 'all'>): readonly JobKind[] => [
  kind({
    name: 'collection',
    parse: (data) => data,
    run: async ({ signal, progress }) => ({
      ...(await upkeep.collect({ dryRun: false, signal, onProgress: (told) => progress({ ...told }) })),
    }),
  }),
  kind({
    name: 'scrub',
    parse: (data) => scrubData.parse(data),
    run: async ({ data, attempt, signal, progress }) => {
      const { restart, repair } = scrubData.parse(data);
      let repaired: readonly ImageRepair[] = [];
      const report = await upkeep.scrub({
        signal,
        // Another attempt goes on from where the one before has ended.
        restart: restart && attempt === 1,
        onProgress: (told) => progress({ ...told }),
        ...(repair && {
          async repair(ends) {
            repaired = await repairs().all(ends, (done, of) => progress({ phase: 'repairing', done, of }));
          },
        }),
      });
      return { ...report, repairs: repaired };
    },
  }),
  kind({
    name: 'eviction',
    parse: (data) => evictionData.parse(data),
    run: async ({ data, signal, progress }) => {
      const { identifiers } = evictionData.parse(data);
      const evicted: { readonly identifier: string; readonly size: number }[] = [];
      await upkeep.evictAll(identifiers, {
        signal,
        onEvicted({ identifier, size }) {
          evicted.push({ identifier, size });
          progress({ phase: 'evicting', done: evicted.length, of: identifiers.length });
        },
      });
      return { evicted, bytes: evicted.reduce((sum, { size }) => sum + size, 0) };
    },
  }),
];

/** Every hour. */
export const scheduledUpkeep: readonly ScheduledJob[] = [{ kind: 'collection', key, every: hour }];

export interface UpkeepJobs {
  /** A collection of garbage, now; joins one that runs. */
  collect(): Promise<Job>;
  /** A scrub of the vault; joins one that runs. */
  scrub(options: { readonly restart: boolean; readonly repair: boolean }): Promise<Job>;
  /** Takes the least recently used images out of the cache until their sizes come to so many bytes; joins the same. */
  evict(freeBytes: number): Promise<Job>;
  /** What came of it. Throws what the job failed with. */
  resultOf(job: Job): Promise<Readonly<Record<string, unknown>>>;
  /** Ends the scrub for all that wait for it. False: none runs. */
  cancelScrub(): Promise<boolean>;
}

/** Whoever waits is told of a failure when the next attempt is further away than this, in ms. */
const patience = 1000;

export function createUpkeepJobs(jobs: Jobs, upkeep: Pick<Upkeep, 'evictable'>): UpkeepJobs {
  return {
    collect: () => jobs.submit({ kind: 'collection', key }),
    scrub: (data) => jobs.submit({ kind: 'scrub', key, data }),
    async evict(freeBytes) {
      const identifiers = (await upkeep.evictable(freeBytes)).map(({ identifier }) => identifier);
      return await jobs.submit({ kind: 'eviction', key: `${freeBytes} bytes`, data: { identifiers } });
    },
    resultOf: async ({ id }) => resultOf(await jobs.wait(id, { patience })),
    async cancelScrub() {
      const [job] = await jobs.list({ kind: 'scrub', key, limit: 1 });
      if (job === undefined || !isActive(job.state)) return false;
      await jobs.cancel(job.id);
      return true;
    },
  };
}
