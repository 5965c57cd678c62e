// The list of entries: one page, how many there are, and the counts of every facet.
import { type Database } from '../db/database.ts';
import { type AdmittedCounts, type AdmittedIndex } from './admitted.ts';
import {
  classesThatFit,
  countFacets,
  type ClassCounts,
  type EntryClass,
  type FacetCounts,
  type ListedStatus,
} from './classes.ts';
import { readCursor, writeCursor, type Cursor } from './cursor.ts';
import { type RegistryEntry } from './entry.ts';
import { facetFilterOf } from './filter.ts';
import { countNarrowed, narrowingOf, type Narrowed } from './narrow.ts';
import { pageOfEntries } from './listed.ts';
import { type PagePlan } from './page.ts';
import { type EntryQuery } from './query.ts';
import { type RegistryState } from './state.ts';

export interface FindDeps {
  readonly db: Database;
  readonly now: () => Date;
  readonly classes: ClassCounts;
  /** What this site's policy admits, for `admitted=true`. */
  readonly admitted?: AdmittedIndex | undefined;
}

export interface EntryList {
  readonly entries: readonly RegistryEntry[];
  /** Cursor of the next page, where there is one. */
  readonly next?: string;
  /** How many entries fit. */
  readonly total: number;
  /** False where `total` and the counts are lower bounds, because very many fit. */
  readonly exact: boolean;
  readonly facets: FacetCounts;
}

/** Entries that are judged for one page of `admitted=true` before it is sent as it is, with a cursor. */
const mostJudged = 2000;

/** Below this many entries they are all fetched and sorted; above, the index is walked in its order. */
const fewEntries = 2000;

function countOf(
  status: ListedStatus,
  narrowed: Narrowed | undefined,
  admitted: AdmittedCounts | undefined,
): (entryClass: EntryClass) => number {
  if (narrowed !== undefined) return ({ id }) => narrowed.counts.get(id) ?? 0;
  return admitted === undefined ? ({ counts }) => counts[status] : ({ id }) => admitted.of(id, status);
}

interface FoundPage {
  readonly entries: readonly RegistryEntry[];
  /** Where the next page goes on, where there is one. */
  readonly next?: Cursor['after'];
}

/** Entries that are read at a time to find those that are admitted, once a page's length of them was not enough. */
const judgedTogether = 100;

/** Reads pages until `limit` admitted entries are found, the list ends, or enough has been judged. */
async function admittedPage(
  deps: FindDeps,
  plan: PagePlan,
  state: RegistryState,
  admits: (entry: RegistryEntry) => boolean,
): Promise<FoundPage> {
  const entries: RegistryEntry[] = [];
  let { after } = plan;
  for (let judged = 0; judged < mostJudged;) {
    const limit = judged === 0 ? plan.limit : judgedTogether;
    const place = after === undefined ? {} : { after };
    const page = await pageOfEntries(deps, { ...plan, ...place, limit }, state);
    for (const [index, row] of page.rows.entries()) {
      judged += 1;
      after = row.place;
      if (admits(row.entry)) entries.push(row.entry);
      const last = index === page.rows.length - 1 && !page.more;
      if (entries.length === plan.limit) return last ? { entries } : { entries, next: after };
    }
    if (!page.more) return { entries };
  }
  return after === undefined ? { entries } : { entries, next: after };
}

async function plainPage(deps: FindDeps, plan: PagePlan, state: RegistryState): Promise<FoundPage> {
  const { rows, more } = await pageOfEntries(deps, plan, state);
  const entries = rows.map(({ entry }) => entry);
  const last = rows.at(-1);
  return more && last !== undefined ? { entries, next: last.place } : { entries };
}

/**
 * One page of the entries that fit every filter, with the counts of all facets. A list that is paged through shows the
 * registry as it was when its first page was read: entries that arrive meanwhile are on no page, and those they replace
 * stay on theirs. `state` is that of the index now. Throws `registry.cursor`.
 */
export async function findEntries(deps: FindDeps, state: RegistryState, query: EntryQuery): Promise<EntryList> {
  const { db } = deps;
  const cursor = query.cursor === undefined ? undefined : readCursor(query.cursor, query.sort);
  const asOf = Math.min(cursor?.asOf ?? state.logSize, state.logSize);
  const narrowing = narrowingOf(query);
  const filter = facetFilterOf(query);
  const withdrawn = query.status === 'withdrawn';
  // The index keeps withdrawn entries with the deprecated ones, in classes of their own.
  const status = query.status === 'withdrawn' ? 'deprecated' : query.status;
  const known = await deps.classes.current(state.version);
  const classes = withdrawn ? known.filter((entryClass) => entryClass.withdrawn) : known;
  const index = query.admitted ? deps.admitted : undefined;
  const admitted = await index?.current(state);
  const narrowed = narrowing === undefined ? undefined : await countNarrowed(db, status, narrowing, admitted);
  const count = countOf(status, narrowed, admitted);
  const fitting = classesThatFit(classes, filter, deps.classes.vocabulary);
  const total = fitting.reduce((sum, entryClass) => sum + count(entryClass), 0);
  const exact = (narrowed?.exact ?? true) && (admitted?.complete ?? true);

  const unfiltered = Object.keys(filter).length === 0 && !withdrawn;
  const inClasses = fitting.reduce((sum, { counts }) => sum + counts[status], 0);
  const withStatus = known.reduce((sum, { counts }) => sum + counts[status], 0);
  // An endorser's entries have an index in the order of their time.
  const inOrder = narrowing?.words.length === 0 && query.sort.endsWith('created');
  const fewNarrowed = narrowed?.exact === true && !inOrder;
  const plan: PagePlan = {
    status,
    sort: query.sort,
    limit: query.limit,
    asOf,
    share: withStatus === 0 ? 0 : inClasses / withStatus,
    few: fewNarrowed || (!unfiltered && inClasses <= fewEntries),
    ...(unfiltered ? {} : { classIds: fitting.map(({ id }) => id) }),
    ...(narrowing === undefined ? {} : { narrowing }),
    fewWithWords: narrowed?.exact === true,
    ...(cursor === undefined ? {} : { after: cursor.after }),
  };
  const { entries, next } =
    index === undefined ? await plainPage(deps, plan, state) : await admittedPage(deps, plan, state, index.admits);
  return {
    entries,
    ...(next === undefined ? {} : { next: writeCursor({ sort: query.sort, after: next, asOf }) }),
    total: exact ? total : Math.max(total, entries.length),
    exact,
    facets: countFacets(classes, filter, deps.classes.vocabulary, count),
  };
}
