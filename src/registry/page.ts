// One page of ids in order. Few entries are fetched and sorted; many are met by walking the index that has their order.
import { sql } from 'kysely';
import { type Database } from '../db/database.ts';
import { inNumbers } from '../db/dialect.ts';
import { type ListedStatus } from './classes.ts';
import { type Cursor } from './cursor.ts';
import { narrowingConditions, type Narrowing } from './narrow.ts';
import { type SortOrder } from './query.ts';

export interface PagePlan {
  readonly status: ListedStatus;
  readonly sort: SortOrder;
  readonly limit: number;
  /** Entries with ids from here on came later than the first page. */
  readonly asOf: number;
  readonly after?: Cursor['after'];
  /** Undefined: of any class. */
  readonly classIds?: readonly number[];
  readonly narrowing?: Narrowing;
  /** The entries that have the words of the narrowing, where they are few. */
  readonly withWords?: readonly number[] | 'many';
  /** All conditions together leave few entries. */
  readonly few: boolean;
}

interface PageRow {
  readonly id: number;
  /** What the list is sorted by. */
  readonly value: string;
}

export interface IdPage {
  readonly rows: readonly PageRow[];
  readonly more: boolean;
}

/** Of which time: entries that are current now, or those that were current at `asOf` and have been replaced since. */
type Part = 'current' | 'replaced-since';

function sorting(sort: SortOrder) {
  const down = sort.startsWith('-');
  const column = sort.endsWith('created') ? ('created' as const) : ('title_key' as const);
  return { column, direction: down ? ('desc' as const) : ('asc' as const), comparison: down ? sql`<` : sql`>` };
}

/** The query for a page of one part. */
function pageQuery({ query, dialect }: Database, plan: PagePlan, part: Part) {
  const { column, direction, comparison } = sorting(plan.sort);
  const value = sql.ref<string>(`e.${column}`);
  let entries = query
    .selectFrom('entries as e')
    .select(['e.id', value.as('value')])
    .where('e.id', '<', plan.asOf);
  if (plan.status !== 'all') {
    entries = entries.where('e.status', '=', plan.status);
    entries =
      part === 'current' ? entries.where('e.replaced_by', 'is', null) : entries.where('e.replaced_by', '>=', plan.asOf);
  }
  const { after, classIds, narrowing } = plan;
  if (after !== undefined)
    entries = entries.where(sql<boolean>`(${value}, e.id) ${comparison} (${after.value}, ${after.id})`);
  if (narrowing !== undefined) {
    entries = entries.where((where) =>
      where.and(narrowingConditions(dialect, where, narrowing, plan.withWords ?? 'many')),
    );
  }
  if (classIds !== undefined) {
    // An expression keeps the index of classes out of a walk in order.
    const classId = plan.few ? sql`e.class_id` : sql`(e.class_id + 0)`;
    entries = entries.where(inNumbers(dialect, classId, classIds));
  }
  if (!plan.few) {
    return entries
      .orderBy(value, direction)
      .orderBy('e.id', direction)
      .limit(plan.limit + 1);
  }
  return query
    .with(
      (name) => name('fitting').materialized(),
      () => entries,
    )
    .selectFrom('fitting')
    .select(['id', 'value'])
    .orderBy('value', direction)
    .orderBy('id', direction)
    .limit(plan.limit + 1);
}

async function replacedSince(db: Database, asOf: number): Promise<boolean> {
  const row = await db.query
    .selectFrom('entries')
    .select('id')
    .where('replaced_by', '>=', asOf)
    .where('id', '<', asOf)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

const byteOrder = (a: string, b: string): number => (a === b ? 0 : Buffer.compare(Buffer.from(a), Buffer.from(b)));

export async function pageOfIds(db: Database, plan: PagePlan): Promise<IdPage> {
  const rows: PageRow[] = await pageQuery(db, plan, 'current').execute();
  if (plan.status !== 'all' && (await replacedSince(db, plan.asOf))) {
    const replaced = await pageQuery(db, { ...plan, few: true }, 'replaced-since').execute();
    const sign = sorting(plan.sort).direction === 'desc' ? -1 : 1;
    // The entry may have been replaced between the two queries: it is then in both.
    const known = new Set(rows.map(({ id }) => id));
    rows.push(...replaced.filter(({ id }) => !known.has(id)));
    rows.sort((a, b) => sign * (byteOrder(a.value, b.value) || a.id - b.id));
  }
  return { rows: rows.slice(0, plan.limit), more: rows.length > plan.limit };
}
