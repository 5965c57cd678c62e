// Jobs that pull, as the routes of the cache show them: by what is pulled, not by what does it.
import { isActive, type Job } from '../../../jobs/model.ts';
import { type CacheView } from '../../../pages/view.ts';
import { isRepair } from '../../../pull/pull-jobs.ts';
import { type ImagePointer } from '../../../vault/records.ts';

/** How far a pull is; before it has begun all counts are 0. One of an image that is here `repairs` it, and may count chunks. */
export function presentPull(job: Job): Readonly<Record<string, unknown>> {
  const { id, key, state, runAt, data, progress } = job;
  const { bytes } = data as { readonly bytes?: number };
  return {
    identifier: key,
    phase: 'waiting',
    fetchedBytes: 0,
    provenBytes: 0,
    signedBytes: bytes ?? 0,
    bytesPerSecond: 0,
    ...progress,
    job: id,
    state,
    ...(isRepair(job) ? { repairs: true } : {}),
    ...(state === 'retrying' ? { retryAt: runAt } : {}),
  };
}

/** Why the last attempt failed; undefined where it did not. */
export function presentFailure({ id, key, state, attempts, failure, runAt }: Job): object | undefined {
  if (failure === undefined || (state !== 'failed' && state !== 'retrying')) return undefined;
  const { code, message, details } = failure;
  return {
    identifier: key,
    code,
    message,
    details,
    failed: attempts.at(-1)?.ended,
    job: id,
    ...(state === 'retrying' ? { retryAt: runAt } : {}),
  };
}

/** Jobs that somebody may want to have tried again at once. */
const againStates: ReadonlySet<Job['state']> = new Set(['failed', 'cancelled', 'retrying']);

/** What everybody may see of an image in the cache, on its page. */
export function presentCached(image: ImagePointer | undefined, newest: Job | undefined): CacheView {
  // An old failure says nothing of an image that came since, but for that of its repair.
  const counts = newest !== undefined && (image === undefined || isRepair(newest));
  const failure = counts ? presentFailure(newest) : undefined;
  const pull = newest !== undefined && isActive(newest.state) ? presentPull(newest) : undefined;
  return {
    ...(image === undefined ? {} : { proven: image.verdict.verified }),
    ...(pull === undefined ? {} : { pull: pull as NonNullable<CacheView['pull']> }),
    ...(failure === undefined ? {} : { failure: failure as NonNullable<CacheView['failure']> }),
    ...(newest === undefined || pull === undefined || newest.cancelling ? {} : { cancel: newest.id }),
    ...(counts && againStates.has(newest.state) ? { retry: newest.id } : {}),
  };
}
