// Counts of entries per combination of facet values, in memory, as new as the index: facets never count rows.
import { type Database } from '../db/database.ts';
import { facetNames, facetsFromText, type FacetName, type Facets } from './facets.ts';

export type ListedStatus = 'valid' | 'expired' | 'deprecated' | 'all';

export interface EntryClass {
  readonly id: number;
  readonly facets: Facets;
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
          facets: known?.facets ?? facetsFromText(row.facets),
          counts: {
            valid: row.valid_count,
            expired: row.expired_count,
            deprecated: row.deprecated_count,
            all: row.all_count,
          },
        });
      }
      this.#version = Math.max(version, this.#version);
    }
    return [...this.#classes.values()];
  }

  /** After the index was rebuilt the ids mean other classes. */
  forget(): void {
    this.#classes.clear();
    this.#version = -1;
  }
}

function fits(entryClass: EntryClass, filter: FacetFilter, except?: FacetName): boolean {
  return facetNames.every((name) => {
    const wanted = filter[name];
    return wanted === undefined || name === except || entryClass.facets[name].includes(wanted);
  });
}

export function classesThatFit(classes: readonly EntryClass[], filter: FacetFilter): readonly EntryClass[] {
  return classes.filter((entryClass) => fits(entryClass, filter));
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
  const count = (name: FacetName): readonly FacetValue[] => {
    const counts = new Map<string, number>();
    for (const entryClass of classes) {
      const number = countOf(entryClass);
      if (number === 0 || !fits(entryClass, filter, name)) continue;
      for (const value of entryClass.facets[name]) counts.set(value, (counts.get(value) ?? 0) + number);
    }
    return Array.from(counts, ([value, number]) => ({ value, count: number }))
      .sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1))
      .slice(0, mostValues);
  };
  return {
    'os': count('os'),
    'os-version': count('os-version'),
    'os-arch': count('os-arch'),
    'kind': count('kind'),
    'format': count('format'),
    'hypervisor': count('hypervisor'),
    'location': count('location'),
  };
}
