// One page of whole entries: in a single query where the index is still as the list found it.
import { sql } from 'kysely';
import { type Cursor } from './cursor.ts';
import { timeText, type RegistryEntry } from './entry.ts';
import { ofAnyTime } from './narrow.ts';
import { currentPage, ordered, pageOfIds, type PagePlan } from './page.ts';
import { entriesByIds, entryOf, type EntryDetailsRow, type ReadDeps } from './read.ts';

export interface ListedEntry {
  readonly entry: RegistryEntry;
  /** Where a page that ends with it goes on. */
  readonly place: Cursor['after'];
}

export interface ListedPage {
  readonly rows: readonly ListedEntry[];
  readonly more: boolean;
}

interface DetailsRow extends EntryDetailsRow {
  readonly value: string;
  /** Of the index, in the moment of the query. */
  readonly version: number;
}

/** The page as it is now, or undefined where the index has changed since `version`. */
async function pageNow(deps: ReadDeps, plan: PagePlan, version: number): Promise<ListedPage | undefined> {
  const rows = await currentPage(deps.db, plan, async (page) => {
    const query = sql<DetailsRow>`select page.value, (select version from registry_state where id = 1) as version,
        e.id, e.identifier, e.email, e.created, e.replaced_by,
        d.sha256, d.accepted_at, d.weak, d.metadata, s.signer, s.steps
      from (${page}) as page join entries e on e.id = page.id join entry_details d on d.id = page.id
      join signings s on s.id = d.signing_id`;
    return (await query.execute(deps.db.query)).rows;
  });
  if (rows.length === 0 || rows.some((row) => row.version !== version)) return undefined;
  const now = timeText(deps.now());
  const listed = ordered(rows, plan)
    .slice(0, plan.limit)
    .map((row) => ({ entry: entryOf(row, now), place: { value: row.value, id: row.id } }));
  return { rows: listed, more: rows.length > plan.limit };
}

/**
 * The page of a plan. `state` is that of the index when the list was begun: where it is still the same, and the list
 * shows the registry as it is now, nothing can have been replaced since.
 */
export async function pageOfEntries(
  deps: ReadDeps,
  plan: PagePlan,
  state: { readonly version: number; readonly logSize: number },
): Promise<ListedPage> {
  if (plan.asOf === state.logSize || ofAnyTime(plan.status, plan.narrowing)) {
    const page = await pageNow(deps, plan, state.version);
    if (page !== undefined) return page;
  }
  const page = await pageOfIds(deps.db, plan);
  const entries = await entriesByIds(
    deps,
    page.rows.map(({ id }) => id),
  );
  const byId = new Map(entries.map((entry) => [entry.id, entry]));
  const rows = page.rows.flatMap((place) => {
    const entry = byId.get(place.id);
    return entry === undefined ? [] : [{ entry, place }];
  });
  return { rows, more: page.more };
}
