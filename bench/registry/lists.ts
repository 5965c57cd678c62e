// What is asked of the registry while it is measured: lists as people and programs ask for them, each time a little different.
import { emailOf, pick, picker } from './documents.ts';

export interface MeasuredList {
  readonly name: string;
  readonly accept: 'application/json' | 'text/html';
  /** Path and query of request `number`. */
  readonly path: (number: number) => string;
}

type Parameters = Readonly<Record<string, string>>;

function list(
  name: string,
  accept: MeasuredList['accept'],
  parametersOf: (random: (limit: number) => number) => Parameters,
): MeasuredList {
  // Not the same filters as HTML and as JSON: the server keeps lists, whatever their form.
  const random = picker(name.length + (accept === 'text/html' ? 0 : 1000));
  return { name, accept, path: () => `/metadata?${new URLSearchParams(parametersOf(random)).toString()}` };
}

/** A length of the page, so varied that a list is seldom one that the server still has. */
const length = (random: (limit: number) => number): Parameters => ({ limit: String(10 + random(21)) });

const systems = ['centos', 'ubuntu', 'debian', 'fedora', 'opensuse', 'freebsd'];
const architectures = ['x86_64', 'i486', 'aarch64'];

function filters(random: (limit: number) => number): Parameters {
  return {
    'os': pick(random, systems),
    'os-arch': pick(random, architectures),
    'format': pick(random, ['raw', 'qcow2', 'vmdk', 'iso']),
    ...(random(2) === 0 ? { kind: 'machine' } : {}),
    ...length(random),
  };
}

/** The list that the goals are about: a filter, the counts of all facets, the first page. */
export const filteredPage = list('filter + facets, page', 'text/html', filters);

export interface ListedRegistry {
  readonly entries: number;
  readonly endorsers: number;
  /** Of some of its images. */
  readonly identifiers: readonly string[];
}

/** Every list of a registry. */
export function measuredLists({ entries, endorsers, identifiers }: ListedRegistry): readonly MeasuredList[] {
  return [
    filteredPage,
    list('filter + facets, JSON', 'application/json', filters),
    list('front page, kept', 'text/html', () => ({})),
    list('rare filter', 'text/html', (random) => ({
      'os': 'freebsd',
      'os-version': pick(random, ['13.2', '14.1']),
      'os-arch': 'i486',
      'kind': 'disk',
      'hypervisor': 'xen',
      'limit': String(20 + random(81)),
    })),
    list('endorser', 'text/html', (random) => ({ email: emailOf(random(endorsers)), ...length(random) })),
    list('image', 'text/html', (random) => ({ identifier: identifiers[random(identifiers.length)] ?? '' })),
    list('tag', 'text/html', (random) => ({ tag: pick(random, ['stable', 'testing', 'latest']), ...length(random) })),
    list('rare words', 'text/html', (random) => ({ q: `build ${random(entries)}` })),
    list('beginnings of words', 'text/html', (random) => ({
      q: `${pick(random, ['web', 'comp', 'gri', 'sto', 'data', 'desk'])} ${pick(random, ['ory', 'gen', 'karls', 'dub'])}`,
      ...length(random),
    })),
    list('words + filter', 'text/html', (random) => ({ q: 'comp', os: pick(random, systems), ...length(random) })),
    list('by title', 'text/html', (random) => ({
      'sort': pick(random, ['title', '-title']),
      'os': pick(random, systems),
      'os-arch': pick(random, architectures),
      ...length(random),
    })),
    list('admitted=true', 'text/html', (random) => ({
      admitted: 'true',
      os: pick(random, systems),
      ...length(random),
    })),
  ];
}
