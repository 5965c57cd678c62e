// Counts of entries per combination of facet values, in memory, as new as the index: facets never count rows.
import { type Database } from '../db/database.ts';
import { facetNames, traitsFromText, type FacetName, type Traits } from './facets.ts';

export type ListedStatus = 'valid' | 'expired' | 'deprecated' | 'all';

export interface EntryClass extends Traits {
  readonly id: number;
  readonly counts: Readonly<Record<ListedStatus, number>>;
}

export type FacetFilter = Readonly<Partial<Record<FacetName, string>>>;

export interface FacetValue {
  readonly value: string;
  readonly count: number;
}

export type FacetCounts = Readonly<Record<FacetName, readonly FacetValue[]>>;

/** Values that are listed of one facet, the most frequent ones. */
const mostValues = 30;

/** The classes of one database. Only what changed since the last look is read again. */
export class ClassCounts {
  readonly #db: Database;
  readonly #classes = new Map<number, EntryClass & { readonly version: number }>();
  #list: readonly EntryClass[] = [];
  #version = -1;

  constructor(db: Database) {
    this.#db = db;
  }

  /** All classes as of `version` of the index or later. */
  async current(version: number): Promise<readonly EntryClass[]> {
    if (version !== this.#version) {
      const changed = await this.#db.query
        .selectFrom('entry_classes')
        .selectAll()
        .where('version', '>', this.#version)
        .execute();
      for (const row of changed) {
        const known = this.#classes.get(row.id);
        // Another look that started later may have ended earlier.
        if (known !== undefined && known.version > row.version) continue;
        this.#classes.set(row.id, {
          id: row.id,
          version: row.version,
          ...(known === undefined ? traitsFromText(row.facets) : { facets: known.facets, withdrawn: known.withdrawn }),
          counts: {
            valid: row.valid_count,
            expired: row.expired_count,
            deprecated: row.deprecated_count,
            all: row.all_count,
          },
        });
      }
      this.#version = Math.max(version, this.#version);
      this.#list = [...this.#classes.values()];
    }
    return this.#list;
  }
}

/** The filters that a class does not meet, up to two: more do not matter to anyone. */
function missed({ facets }: EntryClass, filters: readonly (readonly [FacetName, string])[]): readonly FacetName[] {
  const names: FacetName[] = [];
  for (const [name, wanted] of filters) {
    if (facets[name].includes(wanted)) continue;
    names.push(name);
    if (names.length === 2) break;
  }
  return names;
}

function filtersOf(filter: FacetFilter): readonly (readonly [FacetName, string])[] {
  return facetNames.flatMap((name) => {
    const wanted = filter[name];
    return wanted === undefined ? [] : [[name, wanted] as const];
  });
}

export function classesThatFit(classes: readonly EntryClass[], filter: FacetFilter): readonly EntryClass[] {
  const filters = filtersOf(filter);
  return filters.length === 0 ? classes : classes.filter((entryClass) => missed(entryClass, filters).length === 0);
}

/**
 * How many entries each value of each facet would leave, were it chosen beside the filters on the other facets.
 * `countOf` says how many entries of a class are meant.
 */
export function countFacets(
  classes: readonly EntryClass[],
  filter: FacetFilter,
  countOf: (entryClass: EntryClass) => number,
): FacetCounts {
  const filters = filtersOf(filter);
  const counts = new Map<FacetName, Map<string, number>>(facetNames.map((name) => [name, new Map()]));
  const add = (name: FacetName, entryClass: EntryClass, number: number): void => {
    const ofFacet = counts.get(name);
    for (const value of entryClass.facets[name]) ofFacet?.set(value, (ofFacet.get(value) ?? 0) + number);
  };
  for (const entryClass of classes) {
    const number = countOf(entryClass);
    if (number === 0) continue;
    const [first, second] = missed(entryClass, filters);
    if (first === undefined) {
      for (const name of facetNames) add(name, entryClass, number);
    } else if (second === undefined) {
      // It fails one filter only: choosing another value of that facet would bring it in.
      add(first, entryClass, number);
    }
  }
  const listed = (name: FacetName): readonly FacetValue[] =>
    Array.from(counts.get(name) ?? [], ([value, count]) => ({ value, count }))
      .sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1))
      .slice(0, mostValues);
  return {
    'os': listed('os'),
    'os-version': listed('os-version'),
    'os-arch': listed('os-arch'),
    'kind': listed('kind'),
    'format': listed('format'),
    'hypervisor': listed('hypervisor'),
    'location': listed('location'),
  };
}
