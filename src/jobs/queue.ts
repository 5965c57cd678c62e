// What tells workers that there is something to do. The database holds the jobs: a queue may lose or repeat what it was told.
import { type Job } from './model.ts';

export interface QueueParts {
  readonly kinds: readonly { readonly name: string; readonly concurrency: number }[];
  /** Takes and runs this job, where it is due and nobody else has; resolves when the attempt has ended. Never rejects. */
  readonly run: (id: number) => Promise<void>;
  /** Jobs of this kind that are due, the most urgent first. */
  readonly due: (kind: string, limit: number) => Promise<readonly number[]>;
  /** When the next job that waits is due, ISO 8601. */
  readonly nextDue: () => Promise<string | undefined>;
  /** A job of some process has changed. */
  readonly changed: (id: number) => void;
  /** A name that all processes share which share jobs, and no others. */
  readonly siteName: () => Promise<string>;
  readonly now: () => Date;
  /** Something is wrong that mends itself, such as a connection. */
  readonly problem: (error: unknown, doing: string) => void;
}

export interface JobQueue {
  /** Begins to run jobs. */
  begin(): void;
  /** A job waits: it is new, or was handed back, or is to be tried again at `runAt`. Never rejects. */
  offer(job: Job): Promise<void>;
  /** Tells the other processes that a job has changed. */
  announce(id: number): void;
  /** Takes no more jobs. Attempts that run are ended by others. */
  close(): Promise<void>;
}

export type OpenQueue = (parts: QueueParts) => Promise<JobQueue>;
