// Jobs as the API shows them: without what only workers need.
import { type Job } from '../../../jobs/model.ts';
import { type JobAnswer } from './schema.ts';

export function presentJob(job: Job): JobAnswer {
  const { data: _data, leaseUntil: _lease, version: _version, failures: _failures, losses: _losses, ...shown } = job;
  return shown as JobAnswer;
}

/** What everybody may see of a job as it happens. */
export function presentEvent({ id, kind, key, state, progress }: Job): Readonly<Record<string, unknown>> {
  return { id, kind, key, state, ...(progress === undefined ? {} : { progress }) };
}
