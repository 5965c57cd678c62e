// The upkeep of the vault as jobs: one collection and one scrub at a time over all servers that share it, the former every hour.
import { z } from 'zod';
import { backOff, type BackOff } from '../jobs/back-off.ts';
import { resultOf, type Jobs } from '../jobs/jobs.ts';
import { isActive, type JobKind } from '../jobs/model.ts';
import { type ScheduledJob } from '../jobs/schedule.ts';
import { type Upkeep } from './upkeep.ts';

/** There is one vault. */
const key = 'vault';
const hour = 60 * 60 * 1000;

/** The store is away, or a server of another database is at it. */
const untilItIsFree: BackOff = { first: 5000, longest: 5 * 60_000, attempts: 6 };
const worthWaiting = new Set(['vault.unavailable', 'vault.busy', 'db.unreachable']);
const scrubData = z.object({ restart: z.boolean().default(false) });

type Kind = Pick<JobKind, 'name' | 'parse' | 'run'>;

const kind = (parts: Kind): JobKind => ({
  ...parts,
  concurrency: 1,
  retryAfter: ({ code }, failures) => (worthWaiting.has(code) ? backOff(untilItIsFree, failures) : undefined),
});

export const upkeepKinds = (upkeep: Upkeep): readonly JobKind[] => [
  kind({
    name: 'collection',
    parse: (data) => data,
    run: async () => ({ ...(await upkeep.collect(false)) }),
  }),
  kind({
    name: 'scrub',
    parse: (data) => scrubData.parse(data),
    run: async ({ data, attempt, signal, progress }) => {
      // Another attempt goes on from where the one before has ended.
      const restart = scrubData.parse(data).restart && attempt === 1;
      return { ...(await upkeep.scrub(signal, restart, (told) => progress({ ...told }))) };
    },
  }),
];

/** Every hour. */
export const scheduledUpkeep: readonly ScheduledJob[] = [{ kind: 'collection', key, every: hour }];

export interface UpkeepJobs {
  /** Has garbage collected, or the vault scrubbed, or joins what does so already; returns the number of the job. */
  begin(work: { readonly kind: 'collection' } | { readonly kind: 'scrub'; readonly restart: boolean }): Promise<number>;
  /** Collects garbage now; joins a collection that runs. Throws what that throws. */
  collect(): Promise<Readonly<Record<string, unknown>>>;
  /** Scrubs the vault; joins a scrub that runs. */
  scrub(restart: boolean): Promise<Readonly<Record<string, unknown>>>;
  /** Ends the scrub for all that wait for it. False: none runs. */
  cancelScrub(): Promise<boolean>;
}

/** Whoever waits is told of a failure when the next attempt is further away than this, in ms. */
const patience = 1000;

export function createUpkeepJobs(jobs: Jobs): UpkeepJobs {
  const done = async (name: string, data: Readonly<Record<string, unknown>>) => {
    const { id } = await jobs.submit({ kind: name, key, data });
    return resultOf(await jobs.wait(id, { patience }));
  };
  return {
    async begin({ kind: name, ...data }) {
      return (await jobs.submit({ kind: name, key, data })).id;
    },
    collect: () => done('collection', {}),
    scrub: (restart) => done('scrub', { restart }),
    async cancelScrub() {
      const [job] = await jobs.list({ kind: 'scrub', key, limit: 1 });
      if (job === undefined || !isActive(job.state)) return false;
      await jobs.cancel(job.id);
      return true;
    },
  };
}
