// The queue of one process: it looks into the database when it is told to, when a job becomes due, and every now and then.
import { type JobQueue, type OpenQueue, type QueueParts } from '../queue.ts';

/** Between two looks where nothing was told, in ms: other processes may share the database. */
const lookEvery = 2000;

/** A queue that needs nothing but the database. */
export const inProcess: OpenQueue = (parts) => Promise.resolve(openInProcess(parts));

function openInProcess({ kinds, run, due: dueOf, nextDue, now, problem }: QueueParts): JobQueue {
  const running = new Map<string, number>();
  /** Jobs that this process is about to take or runs. */
  const taken = new Set<number>();
  let open = false;
  let looking: Promise<void> | undefined;
  let again = false;
  let timer: NodeJS.Timeout | undefined;

  function take(kind: string, id: number): void {
    taken.add(id);
    running.set(kind, (running.get(kind) ?? 0) + 1);
    void run(id).finally(() => {
      taken.delete(id);
      running.set(kind, (running.get(kind) ?? 1) - 1);
      wake();
    });
  }

  async function look(): Promise<void> {
    for (const { name, concurrency } of kinds) {
      const free = concurrency - (running.get(name) ?? 0);
      if (free <= 0) continue;
      const ids = await dueOf(name, concurrency);
      if (!open) return;
      for (const id of ids.filter((candidate) => !taken.has(candidate)).slice(0, free)) take(name, id);
    }
  }

  async function lookAndWait(): Promise<void> {
    clearTimeout(timer);
    let wait = lookEvery;
    try {
      again = false;
      const before = now().getTime();
      await look();
      const next = await nextDue();
      const due = next === undefined ? 0 : Date.parse(next);
      // What was due already waits for an attempt to end, which wakes by itself.
      if (due > before) wait = Math.min(wait, Math.max(0, due - now().getTime()) + 1);
    } catch (error) {
      problem(error, 'looking for jobs');
    }
    if (!open) return;
    timer = setTimeout(wake, wait);
    timer.unref();
  }

  function wake(): void {
    if (!open) return;
    again = true;
    looking ??= lookAndWait().finally(() => {
      looking = undefined;
      if (again) wake();
    });
  }

  return {
    begin() {
      open = true;
      wake();
    },
    offer() {
      wake();
      return Promise.resolve();
    },
    announce: () => undefined,
    async close() {
      open = false;
      clearTimeout(timer);
      await looking;
    },
  };
}
