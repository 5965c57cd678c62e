// The part of a query that facets cannot answer: words, endorser, image, moment, tag. It is counted, up to a bound.
import { sql, type ExpressionBuilder, type Expression, type SqlBool } from 'kysely';
import { type Database, type Dialect } from '../db/database.ts';
import { idsWithWords, rowHasWords } from '../db/dialect.ts';
import { type Tables } from '../db/tables.ts';
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
  /** The words alone occur in few entries. */
  readonly fewWords: boolean;
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

/** The conditions of a narrowing. `fewWords`: the words occur in few entries, so they lead; else each row is asked. */
export function narrowingConditions(
  dialect: Dialect,
  where: EntriesBuilder,
  narrowing: Narrowing,
  fewWords: boolean,
): readonly Expression<SqlBool>[] {
  const { words } = narrowing;
  const equal = (['identifier', 'email', 'created', 'tag'] as const).flatMap((name) => {
    const value = narrowing[name];
    return value === undefined ? [] : [where(`e.${name}`, '=', value)];
  });
  if (words.length === 0) return equal;
  const id = where.ref('e.id');
  const withWords = fewWords
    ? sql<SqlBool>`${id} in ${idsWithWords(dialect, words, mostCounted + 1)}`
    : rowHasWords(dialect, id, words);
  return [...equal, withWords];
}

async function occurInFew({ query, dialect }: Database, words: readonly string[]): Promise<boolean> {
  if (words.length === 0) return true;
  const hits = idsWithWords(dialect, words, mostCounted + 1);
  const { rows } = await sql<{ count: number }>`select count(*) as count from ${hits} as hits`.execute(query);
  return (rows[0]?.count ?? 0) <= mostCounted;
}

/** Counts per class; of the newest {@link mostCounted} where more have the words. */
export async function countNarrowed(db: Database, status: ListedStatus, narrowing: Narrowing): Promise<Narrowed> {
  const fewWords = await occurInFew(db, narrowing.words);
  const rows = await db.query
    .selectFrom((from) => {
      const entries = from
        .selectFrom('entries as e')
        .select('e.class_id')
        .where((where) => where.and(narrowingConditions(db.dialect, where, narrowing, true)))
        .limit(mostCounted + 1);
      const current =
        status === 'all' ? entries : entries.where('e.replaced_by', 'is', null).where('e.status', '=', status);
      return current.as('narrowed');
    })
    .select((select) => ['class_id', select.fn.countAll<number>().as('count')])
    .groupBy('class_id')
    .execute();
  const counts = new Map(rows.map((row) => [row.class_id, row.count]));
  const counted = rows.reduce((sum, row) => sum + row.count, 0);
  return { counts, exact: fewWords && counted <= mostCounted, fewWords };
}
