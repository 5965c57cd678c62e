// The facets of an entry: the few values that lists are filtered and counted by.
import { type ImageMetadata } from '../metadata/model.ts';

/** The facets that a page offers, by the names of their parameters. */
export const facetNames = ['os', 'os-version', 'os-arch', 'kind', 'format', 'hypervisor', 'location'] as const;
export type FacetName = (typeof facetNames)[number];

/** An entry may have no, one or several values of a facet. */
export type Facets = Readonly<Record<FacetName, readonly string[]>>;

const sorted = (values: readonly string[]): readonly string[] => [...new Set(values)].sort();
const one = (value: string | undefined): readonly string[] => (value === undefined ? [] : [value]);

function facetsOf(metadata: ImageMetadata): Facets {
  const pdisk = metadata.locations.some((location) => location.startsWith('pdisk:'));
  const web = metadata.locations.some((location) => /^(https?|ftp):/iu.test(location));
  return {
    'os': one(metadata.os),
    'os-version': one(metadata.osVersion),
    'os-arch': one(metadata.osArch),
    // Old documents say only dcterms:type.
    'kind': metadata.kinds.length > 0 ? sorted(metadata.kinds) : one(metadata.type),
    'format': one(metadata.format),
    'hypervisor': sorted(metadata.hypervisors),
    'location': [...(pdisk ? ['pdisk'] : []), ...(web ? ['web'] : [])],
  };
}

/** What a class of entries has in common. */
export interface Traits {
  readonly facets: Facets;
  /** The entry takes an endorsement back. */
  readonly withdrawn: boolean;
}

export function traitsOf(metadata: ImageMetadata): Traits {
  return { facets: facetsOf(metadata), withdrawn: metadata.withdrawal !== undefined };
}

/** One text for equal traits, to find their class by. */
export function traitsText({ facets, withdrawn }: Traits): string {
  return JSON.stringify([...facetNames.map((name) => facets[name]), ...(withdrawn ? [['withdrawn']] : [])]);
}

export function traitsFromText(text: string): Traits {
  const lists = JSON.parse(text) as readonly (readonly string[])[];
  const [os = [], osVersion = [], osArch = [], kind = [], format = [], hypervisor = [], location = [], standing = []] =
    lists;
  const facets = { os, 'os-version': osVersion, 'os-arch': osArch, kind, format, hypervisor, location };
  return { facets, withdrawn: standing.includes('withdrawn') };
}
