// Jobs in the database: every change is one conditional write, so that no two processes can make the same one.
import { type Insertable, type Selectable } from 'kysely';
import { type Database } from '../db/database.ts';
import { type Tables } from '../db/tables.ts';
import { Fault } from '../errors/fault.ts';
import { activeStates, type Attempt, type Job, type JobFailure, type JobState } from './model.ts';
import { transition, type JobEvent } from './state.ts';

type Row = Selectable<Tables['jobs']>;

export interface NewJob {
  readonly kind: string;
  readonly key: string;
  readonly data: unknown;
  readonly priority: number;
}

export interface JobFilter {
  readonly kind?: string | undefined;
  readonly key?: string | undefined;
  readonly states?: readonly JobState[] | undefined;
  /** Only those with smaller numbers, for the page after. */
  readonly before?: number | undefined;
  readonly limit: number;
}

export interface JobStore {
  /** Puts a job in, or finds the active one of this kind and key (`joined`). */
  add(request: NewJob, at: string): Promise<{ readonly job: Job; readonly joined: boolean }>;
  get(id: number): Promise<Job | undefined>;
  /** Newest first. */
  list(filter: JobFilter): Promise<readonly Job[]>;
  /** Lets an event happen; undefined where it does not apply, or there is no such job. */
  apply(id: number, event: JobEvent): Promise<Job | undefined>;
  /** The numbers of those that can be taken now, the most urgent first. */
  due(kind: string, at: string, limit: number): Promise<readonly number[]>;
  /** Jobs of these kinds that wait, due or not, oldest first. */
  waiting(kinds: readonly string[], limit: number): Promise<readonly Job[]>;
  /** When the next job of these kinds that waits is due. */
  nextDue(kinds: readonly string[]): Promise<string | undefined>;
  running(): Promise<readonly Job[]>;
  /** Removes those that ended before this time, and all but the newest `most` that have ended. Returns how many. */
  prune(before: string, most: number): Promise<number>;
  /** A name that all processes on this database share, and no others. */
  siteName(proposed: string): Promise<string>;
}

const optional = <Name extends string, Value>(name: Name, value: Value | null): { readonly [N in Name]?: Value } =>
  value === null ? {} : ({ [name]: value } as { readonly [N in Name]?: Value });

const parsed = (text: string | null): unknown => (text === null ? null : JSON.parse(text));

function jobOf(row: Row): Job {
  return {
    id: row.id,
    kind: row.kind,
    key: row.job_key,
    data: JSON.parse(row.data) as unknown,
    priority: row.priority,
    state: row.state,
    created: row.created_at,
    runAt: row.run_at,
    ...optional('started', row.started_at),
    ...optional('finished', row.finished_at),
    cancelling: row.cancelling === 1,
    ...optional('worker', row.worker),
    ...optional('leaseUntil', row.lease_until),
    failures: row.failures,
    losses: row.losses,
    attempts: JSON.parse(row.attempts) as readonly Attempt[],
    ...optional('progress', parsed(row.progress) as Record<string, unknown> | null),
    ...optional('result', parsed(row.result) as Record<string, unknown> | null),
    ...optional('failure', parsed(row.failure) as JobFailure | null),
    version: row.version,
  };
}

const json = (value: unknown): string | null => (value === undefined ? null : JSON.stringify(value));

/** What an event can change. */
function changesOf(job: Job): Partial<Insertable<Tables['jobs']>> {
  return {
    priority: job.priority,
    state: job.state,
    run_at: job.runAt,
    started_at: job.started ?? null,
    finished_at: job.finished ?? null,
    cancelling: job.cancelling ? 1 : 0,
    worker: job.worker ?? null,
    lease_until: job.leaseUntil ?? null,
    failures: job.failures,
    losses: job.losses,
    attempts: JSON.stringify(job.attempts),
    progress: json(job.progress),
    result: json(job.result),
    failure: json(job.failure),
  };
}

/** The jobs of one place; those of others are not seen. */
export function createJobStore({ query }: Pick<Database, 'query'>, place: string): JobStore {
  async function get(id: number): Promise<Job | undefined> {
    const row = await query
      .selectFrom('jobs')
      .selectAll()
      .where('place', '=', place)
      .where('id', '=', id)
      .executeTakeFirst();
    return row === undefined ? undefined : jobOf(row);
  }

  async function apply(id: number, event: JobEvent): Promise<Job | undefined> {
    for (;;) {
      const before = await get(id);
      const after = before === undefined ? undefined : transition(before, event);
      if (before === undefined || after === undefined || after === before) return after;
      const version = before.version + 1;
      const { numUpdatedRows } = await query
        .updateTable('jobs')
        .set({ ...changesOf(after), version })
        .where('id', '=', id)
        .where('version', '=', before.version)
        .executeTakeFirst();
      if (numUpdatedRows === 1n) return { ...after, version };
    }
  }

  const active = (kind: string, key: string) =>
    query
      .selectFrom('jobs')
      .select('id')
      .where('place', '=', place)
      .where('kind', '=', kind)
      .where('job_key', '=', key)
      .where('state', 'in', activeStates)
      .executeTakeFirst();

  return {
    get,
    apply,

    async add({ kind, key, data, priority }, at) {
      for (;;) {
        const row = await query
          .insertInto('jobs')
          .values({
            place,
            kind,
            job_key: key,
            data: JSON.stringify(data),
            priority,
            state: 'queued',
            created_at: at,
            run_at: at,
            cancelling: 0,
            failures: 0,
            losses: 0,
            attempts: '[]',
            version: 1,
          })
          .onConflict((conflict) => conflict.doNothing())
          .returningAll()
          .executeTakeFirst();
        if (row !== undefined) return { job: jobOf(row), joined: false };
        const other = await active(kind, key);
        const job = other === undefined ? undefined : await apply(other.id, { type: 'join', at, priority });
        // Where it ended in between there is room for a new one.
        if (job !== undefined) return { job, joined: true };
      }
    },

    async list({ kind, key, states, before, limit }) {
      let rows = query.selectFrom('jobs').selectAll().where('place', '=', place).orderBy('id', 'desc').limit(limit);
      if (kind !== undefined) rows = rows.where('kind', '=', kind);
      if (key !== undefined) rows = rows.where('job_key', '=', key);
      if (states !== undefined) rows = rows.where('state', 'in', states);
      if (before !== undefined) rows = rows.where('id', '<', before);
      return (await rows.execute()).map(jobOf);
    },

    async due(kind, at, limit) {
      const rows = await query
        .selectFrom('jobs')
        .select('id')
        .where('place', '=', place)
        .where('kind', '=', kind)
        .where('state', 'in', ['queued', 'retrying'])
        .where('run_at', '<=', at)
        .orderBy('priority', 'desc')
        .orderBy('id')
        .limit(limit)
        .execute();
      return rows.map(({ id }) => id);
    },

    async waiting(kinds, limit) {
      const rows = await query
        .selectFrom('jobs')
        .selectAll()
        .where('place', '=', place)
        .where('kind', 'in', kinds)
        .where('state', 'in', ['queued', 'retrying'])
        .orderBy('id')
        .limit(limit)
        .execute();
      return rows.map(jobOf);
    },

    async nextDue(kinds) {
      const row = await query
        .selectFrom('jobs')
        .select(({ fn }) => fn.min('run_at').as('next'))
        .where('place', '=', place)
        .where('kind', 'in', kinds)
        .where('state', 'in', ['queued', 'retrying'])
        .executeTakeFirst();
      return row?.next ?? undefined;
    },

    async running() {
      const rows = await query
        .selectFrom('jobs')
        .selectAll()
        .where('place', '=', place)
        .where('state', '=', 'running')
        .execute();
      return rows.map(jobOf);
    },

    async prune(before, most) {
      const ended = ['done', 'failed', 'cancelled'] as const;
      const oldest = await query
        .selectFrom('jobs')
        .select('id')
        .where('place', '=', place)
        .where('state', 'in', ended)
        .orderBy('id', 'desc')
        .offset(most)
        .limit(1)
        .executeTakeFirst();
      const { numDeletedRows } = await query
        .deleteFrom('jobs')
        .where('place', '=', place)
        .where('state', 'in', ended)
        .where((row) =>
          row.or([row('finished_at', '<', before), ...(oldest === undefined ? [] : [row('id', '<=', oldest.id)])]),
        )
        .executeTakeFirst();
      return Number(numDeletedRows);
    },

    async siteName(proposed) {
      await query
        .insertInto('job_site')
        .values({ id: 1, name: proposed })
        .onConflict((conflict) => conflict.doNothing())
        .execute();
      const row = await query.selectFrom('job_site').select('name').executeTakeFirst();
      if (row === undefined) throw new Fault('internal', 'The database does not keep the name of its site.');
      return row.name;
    },
  };
}
