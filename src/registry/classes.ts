// Counts of entries per combination of facet values, in memory, as new as the index: facets never count rows.
import { type Database } from '../db/database.ts';
import { facetNames, traitsFromText, type FacetName, type Facets, type Traits } from './facets.ts';

export type ListedStatus = 'valid' | 'expired' | 'deprecated' | 'all';

export interface EntryClass extends Traits {
  readonly id: number;
  readonly counts: Readonly<Record<ListedStatus, number>>;
  /** The values of its facets, as numbers of the {@link FacetVocabulary}. */
  readonly values: readonly number[];
}

export type FacetFilter = Readonly<Partial<Record<FacetName, string>>>;

export interface FacetValue {
  readonly value: string;
  readonly count: number;
}

export type FacetCounts = Readonly<Record<FacetName, readonly FacetValue[]>>;

/** Values that are listed of one facet, the most frequent ones. */
const mostValues = 30;

/** A number for each value of each facet, so that counting needs no look at texts. */
export class FacetVocabulary {
  readonly #numbers = new Map<string, number>();
  readonly #values: { readonly name: FacetName; readonly value: string }[] = [];

  get size(): number {
    return this.#values.length;
  }

  /** The number of a value that some class has, or undefined. */
  known(name: FacetName, value: string): number | undefined {
    return this.#numbers.get(`${name} ${value}`);
  }

  numbersOf(facets: Facets): readonly number[] {
    return facetNames.flatMap((name) => facets[name].map((value) => this.known(name, value) ?? this.#add(name, value)));
  }

  at(number: number): { readonly name: FacetName; readonly value: string } | undefined {
    return this.#values[number];
  }

  #add(name: FacetName, value: string): number {
    this.#numbers.set(`${name} ${value}`, this.#values.length);
    return this.#values.push({ name, value }) - 1;
  }
}

/** The classes of one database. Only what changed since the last look is read again. */
export class ClassCounts {
  readonly vocabulary = new FacetVocabulary();
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
        const { facets, withdrawn } = known ?? traitsFromText(row.facets);
        this.#classes.set(row.id, {
          id: row.id,
          version: row.version,
          facets,
          withdrawn,
          values: known?.values ?? this.vocabulary.numbersOf(facets),
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

/** A filter on one facet; `value` is -1 where no class has what is wanted. */
interface Wanted {
  readonly name: FacetName;
  readonly value: number;
}

function wantedBy(filter: FacetFilter, vocabulary: FacetVocabulary): readonly Wanted[] {
  return facetNames.flatMap((name) => {
    const wanted = filter[name];
    return wanted === undefined ? [] : [{ name, value: vocabulary.known(name, wanted) ?? -1 }];
  });
}

export function classesThatFit(
  classes: readonly EntryClass[],
  filter: FacetFilter,
  vocabulary: FacetVocabulary,
): readonly EntryClass[] {
  const wanted = wantedBy(filter, vocabulary);
  if (wanted.length === 0) return classes;
  return classes.filter(({ values }) => wanted.every(({ value }) => values.includes(value)));
}

/**
 * How many entries each value of each facet would leave, were it chosen beside the filters on the other facets.
 * `countOf` says how many entries of a class are meant.
 */
export function countFacets(
  classes: readonly EntryClass[],
  filter: FacetFilter,
  vocabulary: FacetVocabulary,
  countOf: (entryClass: EntryClass) => number,
): FacetCounts {
  const wanted = wantedBy(filter, vocabulary);
  /** Of classes that meet all filters; and, for each filter, of those that fail this one only. */
  const fitting = new Float64Array(vocabulary.size);
  const butOne = new Map(wanted.map(({ name }) => [name, new Float64Array(vocabulary.size)]));
  for (const entryClass of classes) {
    const count = countOf(entryClass);
    if (count === 0) continue;
    const { values } = entryClass;
    let missed = 0;
    let target: Float64Array | undefined = fitting;
    for (const { name, value } of wanted) {
      if (values.includes(value)) continue;
      missed += 1;
      if (missed > 1) break;
      target = butOne.get(name);
    }
    if (missed > 1 || target === undefined) continue;
    for (const value of values) target[value] = (target[value] ?? 0) + count;
  }
  const counts: Record<FacetName, FacetValue[]> = {
    'os': [],
    'os-version': [],
    'os-arch': [],
    'kind': [],
    'format': [],
    'hypervisor': [],
    'location': [],
  };
  for (let number = 0; number < vocabulary.size; number += 1) {
    const known = vocabulary.at(number);
    if (known === undefined) continue;
    // Of a facet that is filtered by, the other values too: choosing one of them would bring its classes in.
    const count = (fitting[number] ?? 0) + (butOne.get(known.name)?.[number] ?? 0);
    if (count > 0) counts[known.name].push({ value: known.value, count });
  }
  for (const name of facetNames) {
    counts[name].sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1));
    counts[name].length = Math.min(counts[name].length, mostValues);
  }
  return counts;
}
