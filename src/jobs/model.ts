// What a job is, what a kind of job is, and what is told of it: plain data, the same in the database, the API and the CLI.

export const jobStates = ['queued', 'running', 'retrying', 'done', 'failed', 'cancelled'] as const;

/** `retrying`: an attempt failed, and another one comes at `runAt`. `done`, `failed` and `cancelled` are final. */
export type JobState = (typeof jobStates)[number];

/** States in which a job still has something to do; of one kind and key there is at most one such job. */
export const activeStates = ['queued', 'running', 'retrying'] as const satisfies readonly JobState[];

export const isActive = (state: JobState): boolean => activeStates.some((active) => active === state);

/** Why an attempt or a job failed: a {@link Fault}, in a form that can be kept. */
export interface JobFailure {
  readonly code: string;
  readonly message: string;
  readonly action: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/** `lost`: the process that ran it gave no sign of life any more. `released`: it was handed back because its process was stopped. */
export type AttemptOutcome = 'done' | 'failed' | 'cancelled' | 'lost' | 'released';

export interface Attempt {
  /** From 1. */
  readonly number: number;
  /** The process that ran it: the name of its node, `/`, and a random part. */
  readonly worker: string;
  /** ISO 8601 with ms, as all times of jobs. */
  readonly started: string;
  readonly ended?: string;
  readonly outcome?: AttemptOutcome;
  readonly failure?: JobFailure;
}

export interface Job {
  readonly id: number;
  readonly kind: string;
  /** What it is about: while a job of this kind and key is active, nobody can make another. */
  readonly key: string;
  readonly data: unknown;
  /** Greater is sooner; see {@link priorities}. */
  readonly priority: number;
  readonly state: JobState;
  readonly created: string;
  /** Not before. */
  readonly runAt: string;
  /** Of the first attempt. */
  readonly started?: string;
  readonly finished?: string;
  /** Its end was asked for while it ran. */
  readonly cancelling: boolean;
  /** Who runs it, and until when this is believed without a sign of life. */
  readonly worker?: string;
  readonly leaseUntil?: string;
  /** Attempts that failed, and that were lost. */
  readonly failures: number;
  readonly losses: number;
  /** The newest {@link keptAttempts}, oldest first. */
  readonly attempts: readonly Attempt[];
  /** What the last attempt told of itself. */
  readonly progress?: Readonly<Record<string, unknown>>;
  readonly result?: Readonly<Record<string, unknown>>;
  /** Of the last attempt that failed, while it retries or after it failed for good. */
  readonly failure?: JobFailure;
  /** Grows with every change. */
  readonly version: number;
}

export const keptAttempts = 20;

/** Someone waits; as it comes; when nothing else is to be done. */
export const priorities = { urgent: 20, usual: 10, background: 0 } as const;

/** What an attempt is given. */
export interface JobRun<Data> {
  readonly id: number;
  readonly key: string;
  readonly data: Data;
  /** From 1. */
  readonly attempt: number;
  /** Aborted with a {@link Fault} when the job is cancelled, its process stopped or its lease lost; the attempt has to end then. */
  readonly signal: AbortSignal;
  /** Tells how far it is. Cheap: what is told too often is left out of the database. */
  readonly progress: (value: Readonly<Record<string, unknown>>) => void;
}

/**
 * One kind of job. An attempt may be ended at any moment and begun again by another process, so `run` must be idempotent: it goes
 * on from what is there, or begins anew.
 */
export interface JobKind<Data = unknown> {
  /** `a-z` and `-`. */
  readonly name: string;
  /** Attempts at once in each process. */
  readonly concurrency: number;
  /** The data of a job as `run` wants them. Throws where they are not. */
  readonly parse: (data: unknown) => Data;
  /** In how many ms there is another attempt; undefined: the job has failed. `failures` counts those so far, from 1. */
  readonly retryAfter: (failure: JobFailure, failures: number) => number | undefined;
  run(run: JobRun<Data>): Promise<Readonly<Record<string, unknown>> | undefined>;
}
