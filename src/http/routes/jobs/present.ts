// Jobs as the API shows them: without what only workers need.
import { z } from 'zod';
import { type Job } from '../../../jobs/model.ts';
import { entryPath } from '../../../pages/links.ts';
import { type JobAnswer } from './schema.ts';

const entryKey = z.object({ identifier: z.string(), email: z.string(), created: z.string() });

export function presentJob(job: Job): JobAnswer {
  const { data: _data, leaseUntil: _lease, version: _version, failures: _failures, losses: _losses, ...shown } = job;
  return shown as JobAnswer;
}

/** What everybody may see of a job as it happens. */
export function presentEvent({ id, kind, key, state, progress }: Job): Readonly<Record<string, unknown>> {
  return { id, kind, key, state, ...(progress === undefined ? {} : { progress }) };
}

/** The page that shows what a job is about: that of its entry where it has one. */
export function pageOf({ data }: Pick<Job, 'data'>): string {
  const key = entryKey.safeParse(data);
  return key.success ? entryPath(key.data) : '/metadata';
}
