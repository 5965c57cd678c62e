// Jobs as people read them: one line each, or one with its attempts.
import { type JobAnswer } from '../src/http/routes/jobs/schema.ts';
import { table } from './print.ts';

const mebibytes = (bytes: number): string => `${(bytes / 1024 ** 2).toFixed(1)} MiB`;

export const bytesPerSecond = (bytes: number): string => `${mebibytes(bytes)}/s`;

const numberOf = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);

/** How far a job is, where that can be counted. */
export interface Share {
  readonly done: number;
  readonly all: number;
  readonly rate?: number;
  /** What it is at. */
  readonly phase: string;
}

/** Names of what is done and of all of it, in the progress of jobs that count something else than bytes. */
const counts = [
  ['packs', 'ofPacks'],
  ['chunks', 'ofChunks'],
  ['done', 'of'],
] as const;

/** Pulls count the bytes that are proven, repairs chunks, other jobs packs and disks. */
export function shareOf({ progress = {}, state }: Pick<JobAnswer, 'progress' | 'state'>): Share | undefined {
  const phase = typeof progress['phase'] === 'string' ? progress['phase'] : state;
  const signed = numberOf(progress['signedBytes']);
  if (signed !== undefined) {
    const rate = numberOf(progress['bytesPerSecond']);
    return {
      done: numberOf(progress['provenBytes']) ?? 0,
      all: signed,
      phase,
      ...(rate === undefined ? {} : { rate }),
    };
  }
  for (const [done, of] of counts) {
    const all = numberOf(progress[of]);
    if (all !== undefined) return { done: numberOf(progress[done]) ?? 0, all, phase };
  }
  return undefined;
}

export function stateText(job: JobAnswer): string {
  const { state, cancelling, failure, runAt } = job;
  if (cancelling) return 'running, to be cancelled';
  if (state === 'running') {
    const share = shareOf(job);
    if (share === undefined || share.all === 0) return state;
    const rate = share.rate === undefined ? '' : `, ${bytesPerSecond(share.rate)}`;
    return `${share.phase}, ${Math.floor((100 * share.done) / share.all)} %${rate}`;
  }
  if (state === 'retrying') return `again at ${runAt}: ${failure?.message ?? ''}`;
  return state === 'failed' ? `failed: ${failure?.message ?? ''}` : state;
}

export const jobRows = (jobs: readonly JobAnswer[]): string =>
  table([
    ['job', 'kind', 'of', 'asked for', 'state'],
    ...jobs.map((job) => [String(job.id), job.kind, job.key, job.created, stateText(job)]),
  ]);

const given = (name: string, value: string | undefined): string[][] => (value === undefined ? [] : [[name, value]]);

export function jobText(job: JobAnswer): string {
  const { id, kind, key, created, started, finished, worker, failure, attempts } = job;
  return [
    table([
      ['job', String(id)],
      ['kind', kind],
      ['of', key],
      ['state', stateText(job)],
      ['asked for', created],
      ...given('begun', started),
      ...given('ended', finished),
      ...given('run by', worker),
      ...given('reason', failure === undefined ? undefined : `${failure.message} [${failure.code}]`),
      ...given('what to do', failure?.action),
    ]),
    ...attempts.map((attempt) => {
      const { number, outcome = 'running', worker: by, started: begun, ended } = attempt;
      const reason = attempt.failure === undefined ? '' : `: ${attempt.failure.message}`;
      return `attempt ${number}, ${begun} to ${ended ?? 'now'}, by ${by}: ${outcome}${reason}`;
    }),
  ].join('\n');
}
