// The part of a query that facets answer.
import { type FacetFilter } from './classes.ts';
import { facetNames } from './facets.ts';
import { type EntryQuery } from './query.ts';

export function facetFilterOf(query: EntryQuery): FacetFilter {
  const chosen = facetNames.flatMap((name) => {
    const value = query[name];
    return value === undefined || (name === 'location' && value === 'all') ? [] : [[name, value] as const];
  });
  return Object.fromEntries(chosen);
}
