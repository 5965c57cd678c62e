// Jobs as the API shows them: without what only workers need.
import { z } from 'zod';
import { type Job } from '../../../jobs/model.ts';
import { cachedPath, entryPath, jobPath } from '../../../pages/links.ts';
import { progressOf } from '../../../pages/progress.ts';
import { type JobView } from '../../../pages/view.ts';
import { isRepair, pullKindName } from '../../../pull/pull-jobs.ts';
import { type JobAnswer } from './schema.ts';

const entryKey = z.object({ identifier: z.string(), email: z.string(), created: z.string() });

export function presentJob(job: Job): JobAnswer {
  const { data: _data, leaseUntil: _lease, version: _version, failures: _failures, losses: _losses, ...shown } = job;
  return shown as JobAnswer;
}

/** What everybody may see of a job as it happens; `shown` is what pages say of it. */
export function presentEvent(job: Job): Readonly<Record<string, unknown>> {
  const { id, kind, key, state, progress } = job;
  return {
    id,
    kind,
    key,
    state,
    ...(progress === undefined ? {} : { progress }),
    shown: progressOf({ ...job, repairs: isRepair(job) }),
  };
}

/** A job as its page shows it. */
export function viewOfJob(job: Job, titles: ReadonlyMap<string, string>): JobView {
  const { key, ...shown } = presentJob(job);
  return {
    ...(shown as Omit<JobView, 'about' | 'repairs'>),
    about: key,
    title: titles.get(key),
    repairs: isRepair(job),
  };
}

/** Where somebody goes on who cancelled a job, or had it tried again, by a form: the page of the entry that it is about where nothing else is said. */
export function pageAfter({ id, kind, key, data }: Job, back: 'job' | 'image' | undefined): string {
  if (back === 'image' && kind === pullKindName) return cachedPath(key);
  if (back !== undefined) return jobPath(id);
  const entry = entryKey.safeParse(data);
  return entry.success ? entryPath(entry.data) : '/metadata';
}
