// The part of a query that facets cannot answer: words, endorser, image, moment, tag. It is counted, up to a bound.
import { sql, type RawBuilder, type SqlBool } from 'kysely';
import { type Database, type Dialect } from '../db/database.ts';
import { idsWithWords, rowHasWords } from '../db/words.ts';
import { type AdmittedCounts } from './admitted.ts';
import { type ListedStatus } from './classes.ts';
import { type EntryQuery } from './query.ts';
import { queryWords } from './words.ts';

export interface Narrowing {
  readonly identifier?: string;
  readonly email?: string;
  readonly created?: string;
  readonly tag?: string;
  readonly words: readonly string[];
}

export interface Narrowed {
  /** Entries per class; lower bounds unless `exact`. */
  readonly counts: ReadonlyMap<number, number>;
  readonly exact: boolean;
}

/** Entries that are counted for one query, at most. */
const mostCounted = 1000;

export function narrowingOf(query: EntryQuery): Narrowing | undefined {
  const { identifier, email, created, tag } = query;
  const words = queryWords(query.q ?? '');
  const narrowing = {
    ...(identifier === undefined ? {} : { identifier }),
    ...(email === undefined ? {} : { email }),
    ...(created === undefined ? {} : { created }),
    ...(tag === undefined ? {} : { tag }),
    words,
  };
  return Object.keys(narrowing).length > 1 || words.length > 0 ? narrowing : undefined;
}

/** Whether entries that were replaced fit too: a moment names one entry, and that need not be the newest. */
export function ofAnyTime(status: ListedStatus, narrowing: Narrowing | undefined): boolean {
  return status === 'all' || narrowing?.created !== undefined;
}

/** The conditions of a narrowing but for its words. */
function ownConditions(narrowing: Narrowing): readonly RawBuilder<SqlBool>[] {
  return (['identifier', 'email', 'created', 'tag'] as const).flatMap((name) => {
    const value = narrowing[name];
    return value === undefined ? [] : [sql<SqlBool>`${sql.ref(`e.${name}`)} = ${value}`];
  });
}

/** The conditions of a narrowing. Where `few` entries have its words, these are found first; else each is looked at. */
export function narrowingConditions(
  dialect: Dialect,
  narrowing: Narrowing,
  few: boolean,
): readonly RawBuilder<SqlBool>[] {
  const { words } = narrowing;
  const own = ownConditions(narrowing);
  if (words.length === 0) return own;
  const id = sql.ref('e.id');
  const hasWords = few
    ? sql<SqlBool>`${id} in (select id from (${idsWithWords(dialect, words, mostCounted)}) as matching)`
    : rowHasWords(dialect, id, words);
  return [...own, hasWords];
}

/** Whether a narrowing says more than words. */
export function hasOwnConditions(narrowing: Narrowing): boolean {
  return ownConditions(narrowing).length > 0;
}

/**
 * The condition on the status. Where another condition leaves few entries, that leads: SQLite, which knows nothing of how
 * many rows have which value, would walk an index that begins with the status from end to end. An expression keeps it away.
 */
export function hasStatus(dialect: Dialect, status: string, otherLeads: boolean): RawBuilder<SqlBool> {
  return otherLeads && dialect === 'sqlite'
    ? sql<SqlBool>`(e.status || '') = ${status}`
    : sql<SqlBool>`e.status = ${status}`;
}

interface CountRow {
  /** Null: has the words, but does not meet the other conditions. */
  readonly class_id: number | null;
  readonly count: number;
}

/**
 * A query of the entries that count, with the columns id and class_id: of the newest that have the words, where there are
 * words, with no class where they meet no other condition.
 */
function countedEntries(db: Database, status: ListedStatus, narrowing: Narrowing): RawBuilder<unknown> {
  const { words } = narrowing;
  const withWords = words.length > 0;
  const conditions = [
    ...ownConditions(narrowing),
    ...(ofAnyTime(status, narrowing) ? [] : [sql<SqlBool>`e.replaced_by is null`]),
    ...(status === 'all' ? [] : [hasStatus(db.dialect, status, true)]),
  ];
  const most = mostCounted + 1;
  return withWords
    ? sql`with matching as materialized (${idsWithWords(db.dialect, words, most)})
        select m.id, e.class_id from matching m
        left join entries e on ${sql.join([sql`e.id = m.id`, ...conditions], sql` and `)}`
    : sql`select e.id, e.class_id from entries e where ${sql.join(conditions, sql` and `)} limit ${most}`;
}

/** Counts per class, of what is admitted where that is asked; of the newest {@link mostCounted} where more have the words. */
export async function countNarrowed(
  db: Database,
  status: ListedStatus,
  narrowing: Narrowing,
  admitted?: Pick<AdmittedCounts, 'has'>,
): Promise<Narrowed> {
  const entries = countedEntries(db, status, narrowing);
  const counts = new Map<number, number>();
  const add = (classId: number | null, count: number): void => {
    if (classId !== null) counts.set(classId, (counts.get(classId) ?? 0) + count);
  };
  if (admitted !== undefined) {
    const { rows } = await sql<{ id: number; class_id: number | null }>`${entries}`.execute(db.query);
    for (const { id, class_id: classId } of rows) if (admitted.has(id)) add(classId, 1);
    return { counts, exact: rows.length <= mostCounted };
  }
  const { rows } = await sql<CountRow>`select class_id, count(*) as count from (${entries}) as counted
    group by class_id`.execute(db.query);
  for (const { class_id: classId, count } of rows) add(classId, count);
  return { counts, exact: rows.reduce((sum, { count }) => sum + count, 0) <= mostCounted };
}
