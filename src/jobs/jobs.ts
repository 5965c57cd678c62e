// Jobs: idempotent, resumable work with progress, in this process or in any that shares the database and the queue.
import { setMaxListeners } from 'node:events';
import { Fault } from '../errors/fault.ts';
import { type Database } from '../db/database.ts';
import { beginAttempt, type RunningAttempt } from './attempt.ts';
import { inProcess } from './engines/in-process.ts';
import { faultOf } from './failure.ts';
import { isActive, priorities, type Job, type JobKind } from './model.ts';
import { type OpenQueue } from './queue.ts';
import { createJobStore, type JobFilter } from './store.ts';
import { createSweeper } from './sweep.ts';
import { waitFor, type WaitOptions } from './wait.ts';

export interface JobsParts {
  readonly db: Database;
  /** Name of this process among those that share the database; what an earlier process of this name ran is taken up again at the start. */
  readonly node: string;
  /** What the jobs are about, such as a vault: only processes that say the same share them. */
  readonly place: string;
  readonly kinds: readonly JobKind[];
  /** Default: {@link inProcess}. */
  readonly queue?: OpenQueue;
  readonly now: () => Date;
  readonly random: (bytes: number) => Buffer;
  /** How long a process that gives no sign of life is believed to be alive, in ms. Default: 30 s. */
  readonly lease?: number;
  /** Something is wrong that mends itself, such as a connection. */
  readonly problem?: (error: unknown, doing: string) => void;
}

export interface JobRequest {
  readonly kind: string;
  readonly key: string;
  readonly data?: unknown;
  /** See {@link priorities}; default: usual. */
  readonly priority?: number;
}

export interface Jobs {
  /** A job for this; the one that is active where there is one of the same kind and key. Throws `jobs.stopping`. */
  submit(request: JobRequest): Promise<Job>;
  /**
   * The job when it has ended, or when its next attempt is further away than `patience`. Throws `jobs.not-found`, `jobs.stopping`, or the reason of
   * the signal; a signal gives up the wait, not the job.
   */
  wait(id: number, options?: WaitOptions): Promise<Job>;
  get(id: number): Promise<Job | undefined>;
  /** Newest first. */
  list(filter: JobFilter): Promise<readonly Job[]>;
  /** Ends a job, whoever runs it. Throws `jobs.not-found`, `jobs.finished`. */
  cancel(id: number): Promise<Job>;
  /**
   * Has a job tried again now: the same one where its next attempt is awaited, or it has not begun; where it failed or was cancelled a new one for the
   * same. Throws `jobs.not-found`, `jobs.finished` where it ended well, `jobs.stopping`.
   */
  retry(id: number): Promise<Job>;
  /** Is told of every change in this process, and of those in others where the queue tells; returns how to end that. */
  onChange(listener: (job: Job) => void): () => void;
  /** Begins to run jobs, those that an earlier process of this node's name left first. */
  begin(): Promise<void>;
  /** Hands back what runs, and ends those who wait. */
  close(): Promise<void>;
}

/** A job in the queue of another process may be due by that one's clock: so many ms early it is taken. */
const clockSlack = 1000;
const defaultLease = 30_000;

export const notFound = (id: number): Fault => new Fault('jobs.not-found', `There is no job ${id}.`);

const finished = ({ id, state }: Job): Fault =>
  new Fault('jobs.finished', `Job ${id} is ${state} already.`, { details: { job: id, state } });

const stopped = (): Fault => new Fault('jobs.stopping', 'The server is being stopped.');

/** What a job that has not ended well has to be thrown as. Throws for every state but `done`. */
export function resultOf(job: Job): Readonly<Record<string, unknown>> {
  if (job.state === 'done') return job.result ?? {};
  if (job.failure !== undefined && job.state !== 'cancelled') throw faultOf(job.failure, job);
  throw new Fault('jobs.cancelled', `Job ${job.id} (${job.kind} of ${job.key}) was cancelled.`, {
    details: { job: job.id },
  });
}

export async function openJobs(parts: JobsParts): Promise<Jobs> {
  const { db, node, place, now, random, lease = defaultLease, queue: openQueue = inProcess } = parts;
  const problem = parts.problem ?? (() => undefined);
  const store = createJobStore(db, place);
  const worker = `${node}/${random(4).toString('hex')}`;
  const kinds = new Map(parts.kinds.map((kind) => [kind.name, kind]));
  const names = [...kinds.keys()];
  const attempts = new Map<number, RunningAttempt>();
  const listeners = new Set<(job: Job) => void>();
  const stopping = new AbortController();
  // One for each who waits.
  setMaxListeners(0, stopping.signal);
  let closed: Promise<void> | undefined;

  /** Tells this process; the others too where the database has it. */
  function tell(job: Job): void {
    for (const listener of listeners) listener(job);
  }

  function changed(job: Job): void {
    tell(job);
    queue.announce(job.id);
  }

  /** What was changed elsewhere. */
  async function changedElsewhere(id: number): Promise<void> {
    attempts.get(id)?.look();
    if (listeners.size === 0 || attempts.has(id)) return;
    try {
      const job = await store.get(id);
      if (job !== undefined) tell(job);
    } catch (error) {
      problem(error, `looking at job ${id}`);
    }
  }

  async function claim(id: number): Promise<{ readonly job: Job; readonly kind: JobKind } | undefined> {
    const at = now();
    const before = await store.get(id);
    const kind = before === undefined ? undefined : kinds.get(before.kind);
    if (before === undefined || kind === undefined || Date.parse(before.runAt) > at.getTime() + clockSlack)
      return undefined;
    if (stopping.signal.aborted) return undefined;
    const leaseUntil = new Date(at.getTime() + lease).toISOString();
    const job = await store.apply(id, { type: 'claim', at: at.toISOString(), worker, leaseUntil });
    return job === undefined ? undefined : { job, kind };
  }

  async function run(id: number): Promise<void> {
    try {
      const claimed = await claim(id);
      if (claimed === undefined) return;
      const { job, kind } = claimed;
      const attempt = beginAttempt({ store, kind, job, worker, lease, now, changed, told: tell, problem });
      attempts.set(id, attempt);
      // It may have been claimed while this process began to stop.
      if (stopping.signal.aborted) attempt.stop();
      changed(job);
      const after = await attempt.ended.finally(() => attempts.delete(id));
      if (after !== undefined && isActive(after.state)) await queue.offer(after);
    } catch (error) {
      problem(error, `running job ${id}`);
    }
  }

  const queue = await openQueue({
    kinds: parts.kinds,
    run,
    due: (kind, limit) => store.due(kind, now().toISOString(), limit),
    nextDue: () => store.nextDue(names),
    changed: (id) => void changedElsewhere(id),
    siteName: async () => `${await store.siteName(random(8).toString('hex'))}/${place}`,
    now,
    problem,
  });
  const sweeper = createSweeper({ store, kinds: names, node, now, lease, queue, changed, problem, mine: attempts });

  const withProgress = (job: Job): Job => {
    const progress = job.state === 'running' ? attempts.get(job.id)?.progress() : undefined;
    return progress === undefined ? job : { ...job, progress };
  };
  async function get(id: number): Promise<Job | undefined> {
    const job = await store.get(id);
    return job === undefined ? undefined : withProgress(job);
  }
  const wait = (id: number, options: WaitOptions = {}): Promise<Job> =>
    waitFor(id, { get, listeners, stopping: stopping.signal, now }, options);

  async function submit({ kind, key, data = {}, priority = priorities.usual }: JobRequest): Promise<Job> {
    if (stopping.signal.aborted) throw stopped();
    // What nobody can run is a mistake of the caller's.
    kinds.get(kind)?.parse(data);
    let { job, joined } = await store.add({ kind, key, data, priority }, now().toISOString());
    while (joined && job.cancelling) {
      await wait(job.id);
      ({ job, joined } = await store.add({ kind, key, data, priority }, now().toISOString()));
    }
    changed(job);
    if (job.state !== 'running') await queue.offer(job);
    return withProgress(job);
  }

  async function close(): Promise<void> {
    stopping.abort(stopped());
    await sweeper.close();
    for (const attempt of attempts.values()) attempt.stop();
    await Promise.allSettled([...attempts.values()].map(({ ended }) => ended));
    await queue.close();
  }

  return {
    get,
    list: async (filter) => (await store.list(filter)).map(withProgress),

    submit,
    wait,

    async retry(id) {
      const job = await store.get(id);
      if (job === undefined) throw notFound(id);
      const { kind, key, data, priority, state } = job;
      if (state === 'done') throw finished(job);
      return await submit({ kind, key, data, priority });
    },

    async cancel(id) {
      const job = await store.apply(id, { type: 'cancel', at: now().toISOString() });
      if (job !== undefined) {
        attempts.get(id)?.look();
        changed(job);
        return job;
      }
      const ended = await store.get(id);
      throw ended === undefined ? notFound(id) : finished(ended);
    },

    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },

    async begin() {
      await sweeper.recover();
      queue.begin();
      sweeper.begin();
    },

    close() {
      closed ??= close();
      return closed;
    },
  };
}
