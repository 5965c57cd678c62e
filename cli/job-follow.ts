// Follows a job to its end: a bar at a terminal, and a line for each attempt that failed.
import { setTimeout as delay } from 'node:timers/promises';
import { SingleBar } from 'cli-progress';
import { jobAnswer, type JobAnswer } from '../src/http/routes/jobs/schema.ts';
import { Fault } from '../src/errors/fault.ts';
import { faults, type FaultCode } from '../src/errors/table.ts';
import { type Api } from './api.ts';
import { type CliContext } from './context.ts';
import { bytesPerSecond, shareOf } from './job-text.ts';

/** Between two looks, in ms. */
const lookEvery = 300;

export interface FollowOptions {
  /** Nothing is told on standard error. */
  readonly quiet: boolean;
  /** Does not wait for another attempt that is further away than this, in ms. */
  readonly patience?: number;
}

/** The job when it has ended, well or not. What happens to it is told on standard error. */
export async function followJob(
  context: CliContext,
  api: Api,
  id: number,
  { quiet, patience = Infinity }: FollowOptions,
): Promise<JobAnswer> {
  const bar = drawnBar(context, quiet);
  let told = 0;
  try {
    for (;;) {
      const job = await api.json(jobAnswer, `/jobs/${id}`);
      const failed = job.attempts.filter(({ number, outcome }) => number > told && outcome === 'failed');
      told = Math.max(told, ...failed.map(({ number }) => number));
      bar.show(job);
      if (job.state === 'done' || job.state === 'failed' || job.state === 'cancelled') return job;
      if (job.state === 'retrying' && Date.parse(job.runAt) - context.now().getTime() > patience) return job;
      for (const { number, failure } of failed) {
        const again = job.state === 'retrying' ? `; again at ${job.runAt}` : '';
        if (!quiet) bar.say(`attempt ${number} failed: ${failure?.message ?? ''} [${failure?.code ?? ''}]${again}`);
      }
      await delay(lookEvery, undefined, { signal: context.signal }).catch(() => undefined);
      if (context.signal.aborted) {
        throw new Fault('cancelled', `job ${id} was left to the server`, {
          action: `See how it ends with "mintmark job show ${id} --follow", or end it with "mintmark job cancel ${id}".`,
        });
      }
    }
  } finally {
    bar.end();
  }
}

/** Throws the failure of a job that has not ended well. */
export function mustBeDone(job: JobAnswer): void {
  if (job.state === 'done') return;
  const { id, kind, key, failure } = job;
  if (job.state === 'cancelled' || failure === undefined)
    throw new Fault('jobs.cancelled', `job ${id} (${kind} of ${key}) was cancelled`);
  const { code, message, details } = failure;
  const action =
    job.state === 'retrying'
      ? `The server tries it again by itself at ${job.runAt}; see "mintmark job show ${id}".`
      : failure.action;
  const known = Object.hasOwn(faults, code) ? (code as FaultCode) : 'internal';
  throw new Fault(known, message, { action, details: { ...details, job: id } });
}

function drawnBar({ stderr }: CliContext, quiet: boolean) {
  const drawn = stderr.isTTY === true && !quiet;
  const bar = new SingleBar({ format: '{phase} [{bar}] {percentage}% {rate}', stream: stderr, clearOnComplete: true });
  let begun = false;
  return {
    show(job: JobAnswer): void {
      const share = shareOf(job);
      if (!drawn || share === undefined || job.state !== 'running') return;
      const shown = { phase: share.phase, rate: share.rate === undefined ? '' : bytesPerSecond(share.rate) };
      if (begun) bar.update(share.done, shown);
      else bar.start(share.all, share.done, shown);
      begun = true;
    },
    say(line: string): void {
      if (begun) bar.stop();
      begun = false;
      stderr.write(`${line}\n`);
    },
    end(): void {
      if (begun) bar.stop();
    },
  };
}
