// One page of ids in order: few entries are fetched and sorted, many are met by walking an index that has their order.
import { sql, type RawBuilder } from 'kysely';
import { type Database } from '../db/database.ts';
import { inNumbers } from '../db/dialect.ts';
import { type ListedStatus } from './classes.ts';
import { type Cursor } from './cursor.ts';
import { hasOwnConditions, hasStatus, narrowingConditions, ofAnyTime, type Narrowing } from './narrow.ts';
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
  /** Few entries have the words of the narrowing. */
  readonly fewWithWords?: boolean;
  /** Of the entries with this status, the part that is of these classes; 0 where it is not known. */
  readonly share?: number;
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

/** Whether what a plan narrows by leaves few entries, or has an index in the order of the list. */
function narrowingLeads({ narrowing, few, fewWithWords = false, sort }: PagePlan): boolean {
  if (narrowing === undefined) return false;
  if (narrowing.words.length > 0 && fewWithWords) return true;
  const inOrder = narrowing.identifier !== undefined || sort.endsWith('created');
  return (few || inOrder) && hasOwnConditions(narrowing);
}

/** The entries of one part that a plan is about, without regard to their classes. */
function fittingEntries({ query, dialect }: Database, plan: PagePlan, part: Part, id = sql.ref<number>('e.id')) {
  const { column, comparison } = sorting(plan.sort);
  const value = sql.ref<string>(`e.${column}`);
  let entries = query.selectFrom('entries as e').where(id, '<', plan.asOf);
  if (plan.status !== 'all') entries = entries.where(hasStatus(dialect, plan.status, narrowingLeads(plan)));
  if (!ofAnyTime(plan.status, plan.narrowing)) {
    entries =
      part === 'current' ? entries.where('e.replaced_by', 'is', null) : entries.where('e.replaced_by', '>=', plan.asOf);
  }
  const { after, narrowing, fewWithWords = false } = plan;
  if (after !== undefined) {
    entries = entries.where(sql<boolean>`(${value}, e.id) ${comparison} (${after.value}, ${after.id})`);
  }
  if (narrowing === undefined) return entries;
  return narrowingConditions(dialect, narrowing, fewWithWords).reduce((all, each) => all.where(each), entries);
}

/** All that fit are fetched, and sorted. */
function sortedPage(db: Database, plan: PagePlan, part: Part): RawBuilder<PageRow> {
  const { column, direction } = sorting(plan.sort);
  const value = sql.ref<string>(`e.${column}`);
  const all = fittingEntries(db, plan, part).select(['e.id', value.as('value')]);
  const { classIds } = plan;
  const ofClasses = classIds === undefined ? all : all.where(inNumbers(db.dialect, sql`e.class_id`, classIds));
  const way = sql.raw(direction);
  return sql<PageRow>`with fitting as materialized ${ofClasses}
    select id, value from fitting order by value ${way}, id ${way} limit ${plan.limit + 1}`;
}

/** The index that has the order is walked until enough fit. */
function walkedPage(db: Database, plan: PagePlan): RawBuilder<PageRow> {
  const { column, direction } = sorting(plan.sort);
  const value = sql.ref<string>(`e.${column}`);
  const all = fittingEntries(db, plan, 'current').select(['e.id', value.as('value')]);
  const { classIds } = plan;
  // An expression keeps the index of classes out of a walk in order.
  const ofClasses = classIds === undefined ? all : all.where(inNumbers(db.dialect, sql`(e.class_id + 0)`, classIds));
  const walked = ofClasses
    .orderBy(value, direction)
    .orderBy('e.id', direction)
    .limit(plan.limit + 1);
  return sql<PageRow>`select id, value from ${walked} as walked`;
}

/** The first of each class (`classIds` names each once), merged: where those that fit may all lie far down in the order of all entries. */
function mergedPage(db: Database, plan: PagePlan, classIds: readonly number[]): RawBuilder<PageRow> {
  const { column, direction } = sorting(plan.sort);
  const way = sql.raw(direction);
  const value = sql.ref<string>(`e.${column}`);
  // A bare id would lead SQLite to an index that does not have the order: all entries of a class would be sorted.
  const ofClass = fittingEntries(db, plan, 'current', sql<number>`(e.id + 0)`)
    .where(sql<boolean>`e.class_id = c.value`)
    .orderBy(value, direction)
    .orderBy('e.id', direction)
    .limit(plan.limit + 1);
  const sqlite = db.dialect === 'sqlite';
  // The columns of json_each are called id and value too: every name says whose it is.
  const sorted = sqlite ? sql.ref(`o.${column}`) : sql`o.value`;
  const firstOfEach = sqlite
    ? sql`json_each(${JSON.stringify(classIds)}) as c cross join entries as o where o.id in ${ofClass.select('e.id')}`
    : sql`unnest(${classIds}::bigint[]) as c (value)
        cross join lateral ${ofClass.select(['e.id', value.as('value')])} as o`;
  return sql<PageRow>`select o.id, ${sorted} as value from ${firstOfEach}
    order by ${sorted} ${way}, o.id ${way} limit ${plan.limit + 1}`;
}

/** How many entries are walked for a page, at most, before another way is taken. */
const mostWalked = 4000;
/** How many times as many as would do, were entries of all classes strewn evenly. */
const safety = 4;

/** The first entries in order, so many that a page of these classes should be among them: where they are common. */
function nearPage(db: Database, plan: PagePlan, classIds: readonly number[]): RawBuilder<PageRow> | undefined {
  const walked = Math.ceil((safety * (plan.limit + 1)) / (plan.share ?? 0));
  if (walked > mostWalked) return undefined;
  const { column, direction } = sorting(plan.sort);
  const way = sql.raw(direction);
  const value = sql.ref<string>(`e.${column}`);
  const first = fittingEntries(db, plan, 'current')
    .select(['e.id', 'e.class_id', value.as('value')])
    .orderBy(value, direction)
    .orderBy('e.id', direction)
    .limit(walked);
  return sql<PageRow>`select id, value from ${first} as first
    where ${inNumbers(db.dialect, sql`class_id`, classIds)} order by value ${way}, id ${way} limit ${plan.limit + 1}`;
}

/** Classes whose first entries are merged, at most. */
const mostMerged = 300;

/** Ways to the first `limit` + 1 entries that are current: one that finds fewer leaves it to the next, the last is right. */
function waysTo(db: Database, plan: PagePlan): readonly RawBuilder<PageRow>[] {
  if (plan.few) return [sortedPage(db, plan, 'current')];
  const { classIds, narrowing, status } = plan;
  if (classIds === undefined || classIds.length > mostMerged || narrowing !== undefined || status === 'all') {
    return [walkedPage(db, plan)];
  }
  const near = nearPage(db, plan, classIds);
  return [...(near === undefined ? [] : [near]), mergedPage(db, plan, classIds)];
}

/** The first `limit` + 1 entries of a plan that are current, in any order; `run` executes a query that yields them. */
export async function currentPage<Row>(
  db: Database,
  plan: PagePlan,
  run: (query: RawBuilder<PageRow>) => Promise<readonly Row[]>,
): Promise<readonly Row[]> {
  let rows: readonly Row[] = [];
  for (const way of waysTo(db, plan)) {
    rows = await run(way);
    if (rows.length > plan.limit) break;
  }
  return rows;
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

/** Rows in the order of a plan. */
export function ordered<Row extends PageRow>(rows: readonly Row[], { sort }: PagePlan): readonly Row[] {
  const sign = sorting(sort).direction === 'desc' ? -1 : 1;
  return [...rows].sort((a, b) => sign * (byteOrder(a.value, b.value) || a.id - b.id));
}

/** The ids of a page, those of entries included that were replaced since the list was begun. */
export async function pageOfIds(db: Database, plan: PagePlan): Promise<IdPage> {
  const rows = [...(await currentPage(db, plan, async (query) => (await query.execute(db.query)).rows))];
  if (!ofAnyTime(plan.status, plan.narrowing) && (await replacedSince(db, plan.asOf))) {
    const { rows: replaced } = await sortedPage(db, plan, 'replaced-since').execute(db.query);
    // The entry may have been replaced between the two queries: it is then in both.
    const known = new Set(rows.map(({ id }) => id));
    rows.push(...replaced.filter(({ id }) => !known.has(id)));
  }
  return { rows: ordered(rows, plan).slice(0, plan.limit), more: rows.length > plan.limit };
}
