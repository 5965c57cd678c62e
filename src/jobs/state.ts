// The state machine of a job: pure, so that every engine and every process comes to the same answer.
import { isActive, keptAttempts, type Attempt, type AttemptOutcome, type Job, type JobFailure } from './model.ts';

/** What can happen to a job. `at` and the other times are ISO 8601 with ms. */
export type JobEvent =
  /** A worker takes it. */
  | { readonly type: 'claim'; readonly at: string; readonly worker: string; readonly leaseUntil: string }
  /** Its worker gives a sign of life. */
  | {
      readonly type: 'beat';
      readonly worker: string;
      readonly leaseUntil: string;
      readonly progress?: Readonly<Record<string, unknown>>;
    }
  | {
      readonly type: 'succeed';
      readonly at: string;
      readonly worker: string;
      readonly result?: Readonly<Record<string, unknown>>;
    }
  /** `retryAt` is left out where there is no other attempt. */
  | {
      readonly type: 'fail';
      readonly at: string;
      readonly worker: string;
      readonly failure: JobFailure;
      readonly retryAt?: string;
    }
  /** Its worker hands it back. */
  | { readonly type: 'release'; readonly at: string; readonly worker: string }
  /** Its worker is taken for dead; the job fails when that has happened `most` times. */
  | {
      readonly type: 'lose';
      readonly at: string;
      readonly worker: string;
      readonly most: number;
      readonly failure: JobFailure;
    }
  | { readonly type: 'cancel'; readonly at: string }
  /** Somebody asks for the same: what waits for a retry is done at once, and what is urgent to one is urgent. */
  | { readonly type: 'join'; readonly at: string; readonly priority: number };

type Ended = Partial<Pick<Job, 'attempts'>>;

const runsIn = (job: Job, worker: string): boolean => job.state === 'running' && job.worker === worker;

function endAttempt(job: Job, ended: string, outcome: AttemptOutcome, failure?: JobFailure): Ended {
  return {
    attempts: job.attempts.map((attempt, index): Attempt => {
      if (index !== job.attempts.length - 1) return attempt;
      return { ...attempt, ended, outcome, ...(failure === undefined ? {} : { failure }) };
    }),
  };
}

/** Without who runs it. */
function idle(job: Job): Job {
  const { worker: _worker, leaseUntil: _leaseUntil, ...rest } = job;
  return rest;
}

/** Without its last failure and what the attempt before told. */
function fresh(job: Job): Job {
  const { failure: _failure, progress: _progress, ...rest } = job;
  return rest;
}

const cancelled = (job: Job, at: string, attempts: Ended): Job => ({
  ...idle(job),
  ...attempts,
  state: 'cancelled',
  cancelling: false,
  finished: at,
});

/** The attempt under way comes to nothing, and the job with it where its end was asked for. */
function interrupted(job: Job, at: string, outcome: 'released' | 'lost'): Job {
  if (job.cancelling) return cancelled(job, at, endAttempt(job, at, outcome));
  return { ...idle(job), ...endAttempt(job, at, outcome), state: 'queued', runAt: at };
}

const handlers: {
  readonly [Type in JobEvent['type']]: (job: Job, event: Extract<JobEvent, { readonly type: Type }>) => Job | undefined;
} = {
  claim(job, { at, worker, leaseUntil }) {
    if (job.state !== 'queued' && job.state !== 'retrying') return undefined;
    const number = (job.attempts.at(-1)?.number ?? 0) + 1;
    const attempts = [...job.attempts, { number, worker, started: at }].slice(-keptAttempts);
    return { ...fresh(job), state: 'running', worker, leaseUntil, attempts, started: job.started ?? at };
  },

  beat(job, { worker, leaseUntil, progress }) {
    if (!runsIn(job, worker)) return undefined;
    return { ...job, leaseUntil, ...(progress === undefined ? {} : { progress }) };
  },

  succeed(job, { at, worker, result }) {
    if (!runsIn(job, worker)) return undefined;
    // Where it was to be cancelled, it came to its end before it noticed.
    const ended = { ...idle(job), ...endAttempt(job, at, 'done'), cancelling: false, finished: at };
    return { ...ended, state: 'done', ...(result === undefined ? {} : { result }) };
  },

  fail(job, { at, worker, failure, retryAt }) {
    if (!runsIn(job, worker)) return undefined;
    if (job.cancelling) return cancelled(job, at, endAttempt(job, at, 'cancelled'));
    const ended = { ...idle(job), ...endAttempt(job, at, 'failed', failure), failures: job.failures + 1, failure };
    return retryAt === undefined
      ? { ...ended, state: 'failed', finished: at }
      : { ...ended, state: 'retrying', runAt: retryAt };
  },

  release: (job, { at, worker }) => (runsIn(job, worker) ? interrupted(job, at, 'released') : undefined),

  lose(job, { at, worker, most, failure }) {
    if (!runsIn(job, worker)) return undefined;
    const after = { ...interrupted(job, at, 'lost'), losses: job.losses + 1 };
    return after.state === 'cancelled' || after.losses < most
      ? after
      : { ...after, state: 'failed', finished: at, failure };
  },

  cancel(job, { at }) {
    if (!isActive(job.state)) return undefined;
    return job.state === 'running' ? { ...job, cancelling: true } : cancelled(job, at, {});
  },

  join(job, { at, priority }) {
    if (!isActive(job.state)) return undefined;
    const sooner = job.state === 'retrying' && at < job.runAt;
    if (!sooner && priority <= job.priority) return job;
    return { ...job, priority: Math.max(job.priority, priority), ...(sooner ? { runAt: at } : {}) };
  },
};

/** The job after the event; undefined where the event does not apply to it, and the same object where it changes nothing. */
export function transition(job: Job, event: JobEvent): Job | undefined {
  // The table has a handler of just this type of event.
  return (handlers[event.type] as (job: Job, event: JobEvent) => Job | undefined)(job, event);
}
