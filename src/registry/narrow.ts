// The part of a query that facets cannot answer: words, endorser, image, moment, tag. It is counted, up to a bound.
import { sql, type ExpressionBuilder, type Expression, type RawBuilder, type SqlBool } from 'kysely';
import { type Database, type Dialect } from '../db/database.ts';
import { idsWithWords, inNumbers, rowHasWords } from '../db/dialect.ts';
import { type Tables } from '../db/tables.ts';
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
  /** The entries that have the words, where they are few. */
  readonly withWords: readonly number[] | 'many';
}

export type EntriesBuilder = ExpressionBuilder<Tables & { e: Tables['entries'] }, 'e'>;

/** Entries that are counted for one query, at most. */
const mostCounted = 2000;

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

/** The conditions of a narrowing, with what is known of its words. */
export function narrowingConditions(
  dialect: Dialect,
  where: EntriesBuilder,
  narrowing: Narrowing,
  withWords: readonly number[] | 'many',
): readonly Expression<SqlBool>[] {
  const { words } = narrowing;
  const equal = (['identifier', 'email', 'created', 'tag'] as const).flatMap((name) => {
    const value = narrowing[name];
    return value === undefined ? [] : [where(`e.${name}`, '=', value)];
  });
  if (words.length === 0) return equal;
  const id = where.ref('e.id');
  return [...equal, withWords === 'many' ? rowHasWords(dialect, id, words) : inNumbers(dialect, id, withWords)];
}

/** The condition on the status. With ids at hand they lead: an expression keeps the indexes that begin with it away. */
export function hasStatus(status: string, withIds: boolean): RawBuilder<SqlBool> {
  return withIds ? sql<SqlBool>`(e.status || '') = ${status}` : sql<SqlBool>`e.status = ${status}`;
}

/** Counts per class; of the newest {@link mostCounted} where more have the words. */
export async function countNarrowed(
  db: Database,
  status: ListedStatus,
  narrowing: Narrowing,
  admitted?: Pick<AdmittedCounts, 'has'>,
): Promise<Narrowed> {
  const { words } = narrowing;
  const ids = words.length === 0 ? [] : await idsWithWords(db.dialect, db.query, words, mostCounted + 1);
  const few = ids.length <= mostCounted;
  const all = db.query
    .selectFrom('entries as e')
    .where((where) => where.and(narrowingConditions(db.dialect, where, narrowing, ids)))
    .limit(mostCounted + 1);
  const current =
    status === 'all' ? all : all.where('e.replaced_by', 'is', null).where(hasStatus(status, words.length > 0));
  if (admitted !== undefined) {
    const rows = await current.select(['e.id', 'e.class_id']).execute();
    const counts = new Map<number, number>();
    for (const { id, class_id: classId } of rows) {
      if (admitted.has(id)) counts.set(classId, (counts.get(classId) ?? 0) + 1);
    }
    return { counts, exact: few && rows.length <= mostCounted, withWords: few ? ids : 'many' };
  }
  const rows = await db.query
    .selectFrom(current.select('e.class_id').as('narrowed'))
    .select((select) => ['class_id', select.fn.countAll<number>().as('count')])
    .groupBy('class_id')
    .execute();
  const counts = new Map(rows.map((row) => [row.class_id, row.count]));
  const counted = rows.reduce((sum, row) => sum + row.count, 0);
  return { counts, exact: few && counted <= mostCounted, withWords: few ? ids : 'many' };
}
