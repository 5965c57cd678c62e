// One attempt at one job in this process: signs of life and progress while it runs, and what became of it afterwards.
import { setTimeout as wait } from 'node:timers/promises';
import { Fault } from '../errors/fault.ts';
import { failureOf } from './failure.ts';
import { type Job, type JobKind } from './model.ts';
import { type JobEvent } from './state.ts';
import { type JobStore } from './store.ts';

/** Progress is kept at most this often, in ms; listeners are told as often as the job tells. */
const keepEvery = 1000;
const dayMs = 24 * 60 * 60 * 1000;

export interface AttemptParts {
  readonly store: JobStore;
  readonly kind: JobKind;
  /** As it was claimed. */
  readonly job: Job;
  readonly worker: string;
  /** How long a sign of life counts, in ms. */
  readonly lease: number;
  readonly now: () => Date;
  /** The database has it. */
  readonly changed: (job: Job) => void;
  /** The database may not have it yet. */
  readonly told: (job: Job) => void;
  readonly problem: (error: unknown, doing: string) => void;
}

export interface RunningAttempt {
  /** The job once the attempt has ended; undefined where another process has taken it over, or it cannot be told. */
  readonly ended: Promise<Job | undefined>;
  /** The newest progress, which the database may not have yet. */
  readonly progress: () => Job['progress'];
  /** Looks at once whether the attempt is still wanted. */
  look(): void;
  /** Hands the job back. */
  stop(): void;
}

/** ISO 8601 so many ms after `time`. */
const later = (time: Date, milliseconds: number): string => new Date(time.getTime() + milliseconds).toISOString();

export function beginAttempt(parts: AttemptParts): RunningAttempt {
  const { store, kind, job, worker, lease, now, changed, told, problem } = parts;
  const wanted = new AbortController();
  let progress: Job['progress'];
  let kept: Job['progress'];
  let leaseUntil = Date.parse(job.leaseUntil ?? job.runAt);
  let lastBeat = now().getTime();
  let stopped = false;
  let beating: Promise<void> | undefined;

  async function beat(): Promise<void> {
    const at = now();
    const until = later(at, lease);
    const latest = progress;
    try {
      const after = await store.apply(job.id, {
        type: 'beat',
        worker,
        leaseUntil: until,
        ...(latest === undefined ? {} : { progress: latest }),
      });
      if (after === undefined) {
        wanted.abort(new Fault('jobs.lost', `Another process has taken over job ${job.id}.`));
        return;
      }
      lastBeat = at.getTime();
      leaseUntil = Date.parse(until);
      if (latest !== kept) changed(after);
      kept = latest;
      if (after.cancelling) wanted.abort(new Fault('jobs.cancelled', `Job ${job.id} was cancelled.`));
    } catch (error) {
      problem(error, `giving a sign of life for job ${job.id}`);
      // By now another process may run it.
      if (now().getTime() > leaseUntil) wanted.abort(new Fault('jobs.lost', `Job ${job.id} may run elsewhere.`));
    }
  }

  function look(): void {
    beating ??= beat().finally(() => {
      beating = undefined;
    });
  }

  const ticking = setInterval(
    () => {
      if (progress !== kept || now().getTime() - lastBeat >= lease / 3) look();
    },
    Math.min(keepEvery, lease / 3),
  );

  async function outcome(): Promise<JobEvent | undefined> {
    try {
      const result = await kind.run({
        id: job.id,
        key: job.key,
        data: kind.parse(job.data),
        attempt: job.attempts.at(-1)?.number ?? 1,
        signal: wanted.signal,
        progress(value) {
          progress = value;
          told({ ...job, progress: value });
        },
      });
      const at = now().toISOString();
      return { type: 'succeed', at, worker, ...(result === undefined ? {} : { result }) };
    } catch (error) {
      const at = now();
      // Handed back too where its lease has run out and nobody took it over after all.
      const { reason } = wanted.signal as { readonly reason: unknown };
      if (stopped || (reason instanceof Fault && reason.code === 'jobs.lost'))
        return { type: 'release', at: at.toISOString(), worker };
      const failure = failureOf(error);
      const again = kind.retryAfter(failure, job.failures + 1);
      const retry = again === undefined ? {} : { retryAt: later(at, Math.min(again, dayMs)) };
      return { type: 'fail', at: at.toISOString(), worker, failure, ...retry };
    }
  }

  /** What became of it is told until the database takes it, or somebody else may have the job. */
  async function settle(event: JobEvent): Promise<Job | undefined> {
    for (;;) {
      try {
        return await store.apply(job.id, event);
      } catch (error) {
        problem(error, `keeping what became of job ${job.id}`);
        if (stopped || now().getTime() > leaseUntil) return undefined;
        await wait(Math.min(500, lease / 3));
      }
    }
  }

  async function run(): Promise<Job | undefined> {
    const event = await outcome();
    clearInterval(ticking);
    await beating;
    const after = event === undefined ? undefined : await settle(event);
    if (after !== undefined) changed(after);
    return after;
  }

  return {
    ended: run(),
    progress: () => progress,
    look,
    stop() {
      stopped = true;
      wanted.abort(new Fault('jobs.stopping', 'The server is being stopped.'));
    },
  };
}
