// A database for a test, processes on it that run jobs, and kinds of jobs whose ends the test decides.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { onTestFinished } from 'vitest';
import { type Database } from '../../src/db/database.ts';
import { Fault } from '../../src/errors/fault.ts';
import { openJobs, type Jobs, type JobsParts } from '../../src/jobs/jobs.ts';
import { type JobKind, type JobRun } from '../../src/jobs/model.ts';

/** Opens an empty database, and says how processes on it are told of jobs. */
export type OpenSite = () => Promise<{
  readonly db: Database;
  /** Of each process a new one. */
  readonly queue: () => JobsParts['queue'];
}>;

export interface Site {
  readonly db: Database;
  /** A process of its own name, or of this one, closed at the end of the test. */
  start(
    kinds: readonly JobKind[],
    options?: Partial<Pick<JobsParts, 'node' | 'place' | 'lease' | 'now'>>,
  ): Promise<Jobs>;
}

export async function freshSite(open: OpenSite): Promise<Site> {
  const { db, queue } = await open();
  return {
    db,
    async start(kinds, options = {}) {
      const jobs = await openJobs({
        db,
        node: `node-${randomBytes(4).toString('hex')}`,
        place: 'here',
        kinds,
        now: () => new Date(),
        random: randomBytes,
        ...(queue() === undefined ? {} : { queue: queue() }),
        ...options,
      } as JobsParts);
      onTestFinished(() => jobs.close());
      await jobs.begin();
      return jobs;
    },
  };
}

/** A kind that runs this function; failures are final unless `retryAfter` says otherwise. */
export function kindOf(
  run: (run: JobRun<unknown>) => Promise<Readonly<Record<string, unknown>> | undefined>,
  options: Partial<JobKind> = {},
): JobKind {
  return { name: 'task', concurrency: 2, parse: (data) => data, retryAfter: () => undefined, run, ...options };
}

/** Ends when it is told to, or rejects when the run is no longer wanted. */
export function until(ended: Promise<unknown>, { signal }: JobRun<unknown>): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    ended.then(() => resolve(), reject);
  });
}

export const broken = (message = 'it does not work'): Fault => new Fault('pull.unreachable', message);

/** A promise and how to keep it. */
export function promised(): { readonly kept: Promise<unknown>; readonly keep: () => void } {
  const kept = new AbortController();
  return { kept: once(kept.signal, 'abort'), keep: () => kept.abort() };
}
