// Waits for the end of a job, wherever it runs: told by changes in this process, and looking now and then for those in others.
import { Fault } from '../errors/fault.ts';
import { isActive, type Job } from './model.ts';

export interface WaitOptions {
  readonly signal?: AbortSignal;
  /** Does not wait for a retry that is further away than this, in ms. Default: waits for all of them. */
  readonly patience?: number;
}

interface WaitParts {
  readonly get: (id: number) => Promise<Job | undefined>;
  readonly listeners: Set<(job: Job) => void>;
  readonly stopping: AbortSignal;
  readonly now: () => Date;
}

/** Between two looks, in ms. */
const lookEvery = 1000;

export async function waitFor(id: number, parts: WaitParts, { signal, patience }: WaitOptions): Promise<Job> {
  const { get, listeners, stopping, now } = parts;
  const gaveUp = signal === undefined ? stopping : AbortSignal.any([signal, stopping]);
  for (;;) {
    gaveUp.throwIfAborted();
    // Listening begins before the look, so that no change falls between the two.
    const change = nextChange(id, listeners, gaveUp);
    try {
      const job = await get(id);
      if (job === undefined) throw new Fault('jobs.not-found', `There is no job ${id}.`);
      const far = job.state === 'retrying' && Date.parse(job.runAt) - now().getTime() > (patience ?? Infinity);
      if (!isActive(job.state) || far) return job;
      await change.happened;
    } finally {
      change.forget();
    }
  }
}

/** Resolves when the job has changed, at the latest when it is time to look again, or somebody gave up. */
function nextChange(
  id: number,
  listeners: WaitParts['listeners'],
  gaveUp: AbortSignal,
): { readonly happened: Promise<void>; readonly forget: () => void } {
  const forgotten = new AbortController();
  const happened = new Promise<void>((resolve) => {
    const listener = (job: Job): void => {
      // That it is begun, and how far it is, ends no wait.
      if (job.id === id && job.state !== 'queued' && job.state !== 'running') resolve();
    };
    const done = (): void => resolve();
    const timer = setTimeout(done, lookEvery);
    listeners.add(listener);
    gaveUp.addEventListener('abort', done, { once: true });
    forgotten.signal.addEventListener('abort', () => {
      clearTimeout(timer);
      listeners.delete(listener);
      gaveUp.removeEventListener('abort', done);
    });
  });
  return { happened, forget: () => forgotten.abort() };
}
