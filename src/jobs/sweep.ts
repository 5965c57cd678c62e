// Takes over the jobs of processes that died, reminds the queue of what it may have lost, and removes old jobs.
import { type Job } from './model.ts';
import { type JobQueue } from './queue.ts';
import { type JobStore } from './store.ts';

export interface SweepParts {
  readonly store: JobStore;
  readonly kinds: readonly string[];
  readonly node: string;
  readonly now: () => Date;
  /** In ms. */
  readonly lease: number;
  readonly queue: JobQueue;
  readonly changed: (job: Job) => void;
  readonly problem: (error: unknown, doing: string) => void;
  /** Attempts of this process. */
  readonly mine: ReadonlyMap<number, unknown>;
}

export interface Sweeper {
  /** Takes up what earlier processes of this node's name left: they are dead, for this process has the name now. */
  recover(): Promise<void>;
  begin(): void;
  close(): Promise<void>;
}

/** A job whose processes died this often has failed. */
const mostLosses = 5;
const day = 24 * 60 * 60 * 1000;
const hour = 60 * 60 * 1000;
/** Jobs that have ended are kept for so long, in ms, and at most so many of them. */
const keptFor = 30 * day;
const keptJobs = 10_000;
/** Jobs that the queue is reminded of at a time. */
const reminded = 1000;

export function createSweeper(parts: SweepParts): Sweeper {
  const { store, kinds, node, now, lease, queue, changed, problem, mine } = parts;
  let timer: NodeJS.Timeout | undefined;
  let sweeping: Promise<void> | undefined;
  let pruned = Number.NEGATIVE_INFINITY;

  async function lose(job: Job): Promise<void> {
    const after = await store.apply(job.id, {
      type: 'lose',
      at: now().toISOString(),
      worker: job.worker ?? '',
      most: mostLosses,
      failure: {
        code: 'jobs.lost',
        message: `The process that ran job ${job.id} ended ${mostLosses} times before the job did.`,
        action: 'Look at the log of the server for why it ended, mend that, then ask for the job again.',
        details: { worker: job.worker },
      },
    });
    if (after === undefined) return;
    changed(after);
    if (after.state === 'queued') await queue.offer(after);
  }

  async function sweep(): Promise<void> {
    try {
      const time = now().toISOString();
      const dead = (await store.running()).filter(({ id, leaseUntil = '' }) => leaseUntil < time && !mine.has(id));
      for (const job of dead) await lose(job);
      for (const job of await store.waiting(kinds, reminded)) await queue.offer(job);
      if (now().getTime() - pruned < hour) return;
      await store.prune(new Date(now().getTime() - keptFor).toISOString(), keptJobs);
      pruned = now().getTime();
    } catch (error) {
      problem(error, 'looking after jobs');
    }
  }

  function begin(): void {
    sweeping ??= sweep().finally(() => {
      sweeping = undefined;
    });
  }

  return {
    async recover() {
      const left = (await store.running()).filter(({ worker }) => worker?.startsWith(`${node}/`) === true);
      for (const job of left) await lose(job);
    },
    begin() {
      begin();
      timer = setInterval(begin, lease / 3);
      timer.unref();
    },
    async close() {
      clearInterval(timer);
      await sweeping;
    },
  };
}
