// The registry under load: uploads with full verification, filtered pages with facets, words, and a reindex.
// Run: npm run build && node dist/bench/registry.js [ENTRIES]   (10,000 where it is left out)
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { openDatabase } from '../src/db/database.ts';
import { entryQuerySchema, type EntryQueryInput } from '../src/registry/query.ts';
import { openRegistry } from '../src/registry/registry.ts';
import { createVerifier } from '../src/trust/verifier.ts';
import { makeEndorsers, picker, signedDocument } from './registry/documents.ts';
import { timed, type Times } from './registry/time.ts';

const entries = Number(process.argv[2] ?? 10_000);
const inFlight = 50;

const lists: Readonly<Record<string, (random: (limit: number) => number) => EntryQueryInput>> = {
  'first page': () => ({}),
  'filter + facets': (random) => ({
    'os': ['centos', 'ubuntu', 'debian', 'fedora'][random(4)],
    'os-arch': 'x86_64',
    'format': ['raw', 'qcow2'][random(2)],
  }),
  'rare filter': () => ({
    'os': 'freebsd',
    'os-version': '14.1',
    'os-arch': 'i486',
    'kind': 'disk',
    'hypervisor': 'xen',
  }),
  'endorser': (random) => ({ email: `endorser${random(50)}@example.org` }),
  'rare words': (random) => ({ q: `web server ${random(entries)}` }),
  'frequent words': () => ({ q: 'image' }),
  'words + filter': () => ({ q: 'comp', os: 'debian' }),
  'by title': () => ({ sort: 'title', os: 'ubuntu' }),
};

function print(name: string, text: string): void {
  process.stdout.write(`${name.padEnd(34)} ${text}\n`);
}

function printTimes(name: string, { p50, p99, perSecond }: Times): void {
  print(name, `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, ${perSecond.toFixed(0)}/s`);
}

const folder = await mkdtemp(join(tmpdir(), 'mintmark-bench-'));
const db = await openDatabase({ file: join(folder, 'registry.db') });
const verify = createVerifier({ acceptSelfSigned: true });
const registry = openRegistry({ db, verify, now: () => new Date() });
const seconds = async (work: () => Promise<unknown>): Promise<number> => {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
};

try {
  const endorsers = await makeEndorsers(entries);
  let signing = 0;
  let accepting = 0;
  const batch = 500;
  for (let first = 0; first < entries; first += batch) {
    const begun = performance.now();
    const documents = Array.from({ length: Math.min(batch, entries - first) }, (_, index) =>
      signedDocument(first + index, endorsers),
    );
    signing += (performance.now() - begun) / 1000;
    // Documents of one image come one after the other, as their endorser sends them.
    accepting += await seconds(async () => {
      for (let at = 0; at < documents.length; at += 10) {
        const group = documents.slice(at, at + 10);
        await Promise.all(group.slice(0, 9).map((document) => registry.accept(document, {})));
        for (const document of group.slice(9)) await registry.accept(document, {});
      }
    });
  }
  print('entries', String(entries));
  print('signing', `${(entries / signing).toFixed(0)}/s`);
  print('uploads, fully verified', `${(entries / accepting).toFixed(0)}/s`);
  for (const [name, queryOf] of Object.entries(lists)) {
    const random = picker(7);
    const list = () => registry.find(entryQuerySchema.parse(queryOf(random)));
    await timed(20, 1, list);
    printTimes(`${name}, alone`, await timed(100, 1, list));
    printTimes(`${name}, ${inFlight} in flight`, await timed(500, inFlight, list));
  }
  if (process.argv.includes('--reindex')) {
    const took = await seconds(() => registry.reindex());
    print('reindex, with verification', `${(entries / took).toFixed(0)}/s`);
  }
} finally {
  await db.close();
  await rm(folder, { recursive: true, force: true });
}
