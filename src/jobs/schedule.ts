// Jobs that come again and again: each is asked for when the last of its kind and key is old enough, whichever process made that.
import { type Jobs, type JobRequest } from './jobs.ts';
import { priorities } from './model.ts';

export interface ScheduledJob extends Omit<JobRequest, 'priority'> {
  /** From the beginning of one to that of the next, in ms. */
  readonly every: number;
}

export interface ScheduleParts {
  readonly jobs: Pick<Jobs, 'list' | 'submit'>;
  readonly scheduled: readonly ScheduledJob[];
  readonly now: () => Date;
  readonly problem: (error: unknown, doing: string) => void;
}

/** Between two looks at the newest, in ms. */
const lookEvery = 60_000;

/** Returns how to end it. The first job of a kind and key comes one interval after the start. */
export function keepSchedule({ jobs, scheduled, now, problem }: ScheduleParts): () => void {
  const begun = now().getTime();
  async function look(): Promise<void> {
    for (const { every, ...request } of scheduled) {
      const { kind, key } = request;
      try {
        const [newest] = await jobs.list({ kind, key, limit: 1 });
        const last = newest === undefined ? begun : Date.parse(newest.created);
        const since = now().getTime() - last;
        // A clock that was set back must not hold anything up.
        if (since >= every || since < 0) await jobs.submit({ ...request, priority: priorities.background });
      } catch (error) {
        problem(error, `asking for ${kind} of ${key}, which is due`);
      }
    }
  }
  void look();
  const shortest = Math.min(lookEvery, ...scheduled.map(({ every }) => every / 4));
  const timer = setInterval(() => void look(), Math.max(1, shortest));
  timer.unref();
  return () => clearInterval(timer);
}
