// The registry under load, as its users meet it: the real server over HTTP, on SQLite and on PostgreSQL, with signed documents.
// Run: npm run bench -- registry [--sizes=10000,100000] [--databases=sqlite,postgres] [--uploads=1000] [--requests=500]
//      [--seed=1] [--reindex] [--browser] [--multiply=10]
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase } from '../src/db/database.ts';
import { openRegistry } from '../src/registry/registry.ts';
import { openVerifierPool } from '../src/trust/pool.ts';
import { startCluster } from '../test/db/postgres-cluster.ts';
import { ask, upload } from './registry/client.ts';
import { see } from './registry/browser.ts';
import { keptCorpus, readCorpus } from './registry/corpus.ts';
import { emailOf, endorsersOf } from './registry/documents.ts';
import { fill, patience } from './registry/fill.ts';
import { measuredLists } from './registry/lists.ts';
import { multiplyIndex } from './registry/multiply.ts';
import { readOptions } from './registry/options.ts';
import { serve, type Served } from './registry/served.ts';
import { xmlsecRate } from './registry/xmlsec.ts';
import { type Times } from './registry/time.ts';

const inFlight = 50;
const options = readOptions();
const largest = options.sizes.at(-1) ?? 0;
const endorsers = endorsersOf(largest);

function print(name: string, text: string): void {
  process.stdout.write(`${name.padEnd(44)} ${text}\n`);
}

interface Measured extends Times {
  /** Processor time of the server for each request, in milliseconds. */
  readonly cpu: number;
}

async function withCpu(served: Served, run: () => Promise<Times>): Promise<Measured> {
  const before = served.cpu();
  const times = await run();
  return { ...times, cpu: (served.cpu() - before) / times.requests };
}

function printTimes(name: string, { p50, p99, perSecond, cpu }: Measured): void {
  const times = [`p50 ${p50.toFixed(1)} ms`, `p99 ${p99.toFixed(1)} ms`, `${perSecond.toFixed(0)}/s`];
  print(name, `${times.join(', ')}; ${cpu.toFixed(2)} ms CPU each`);
}

async function measureLists(served: Served, size: number): Promise<void> {
  const { url } = served;
  const trivial = () => ask(url, { count: options.requests, inFlight }, () => ({ path: '/healthz' }));
  printTimes(`peer: /healthz, ${inFlight} in flight`, await withCpu(served, trivial));
  for (const { name, accept, path } of measuredLists(size, endorsers)) {
    const question = (number: number) => ({ path: path(number), headers: { accept } });
    const run = (count: number, together: number) => () => ask(url, { count, inFlight: together }, question);
    await run(20, 1)();
    printTimes(`${name}, alone`, await withCpu(served, run(Math.ceil(options.requests / 5), 1)));
    printTimes(`${name}, ${inFlight} in flight`, await withCpu(served, run(options.requests, inFlight)));
  }
  const path = await lastPage(url);
  const end = () => ask(url, { count: options.requests, inFlight }, () => ({ path }));
  printTimes(`a last page by cursor, ${inFlight} in flight`, await withCpu(served, end));
  const tag = (await fetch(`${url}/metadata?media=html`)).headers.get('etag') ?? '';
  const headers = { 'if-none-match': tag };
  const unchanged = () =>
    ask(url, { count: options.requests, inFlight, status: 304 }, () => ({ path: '/metadata?media=html', headers }));
  printTimes(`a list that the client has, ${inFlight} in flight`, await withCpu(served, unchanged));
  if (options.browser) {
    const { files, bytes, compressed, firstPaint } = await see(`${url}/metadata`);
    const weight = `${(bytes / 1000).toFixed(1)} kB in ${files} files (${(compressed / 1000).toFixed(1)} kB if gzipped)`;
    print('front page in Chromium', `${weight}, first paint after ${firstPaint.toFixed(0)} ms`);
  }
}

/** The path of the last page of an endorser's entries. */
async function lastPage(url: string): Promise<string> {
  const first = `/metadata?limit=20&email=${emailOf(0)}`;
  for (let path = first; ;) {
    const response = await fetch(`${url}${path}&media=json`);
    const { next } = (await response.json()) as { readonly next?: string };
    if (next === undefined) return path;
    path = `${first}&cursor=${next}`;
  }
}

async function take(documents: AsyncIterator<Buffer>, count: number): Promise<readonly Buffer[]> {
  const taken: Buffer[] = [];
  for (let next = await documents.next(); next.done !== true; next = await documents.next()) {
    taken.push(next.value);
    if (taken.length === count) break;
  }
  return taken;
}

interface Store {
  readonly location: { readonly file: string; readonly readers: number } | { readonly url: string };
  readonly start: () => Promise<Served>;
}

async function reindexRate(location: Store['location']): Promise<number> {
  const db = await openDatabase(location);
  const verifiers = openVerifierPool({ acceptSelfSigned: true }, { timeLimit: patience });
  const begun = performance.now();
  const { entries } = await openRegistry({ db, verify: verifiers.verify, now: () => new Date() }).reindex();
  const seconds = (performance.now() - begun) / 1000;
  await verifiers.close();
  await db.close();
  return entries / seconds;
}

async function measure({ location, start }: Store, corpus: string): Promise<void> {
  const documents = readCorpus(corpus);
  let filled = 0;
  for (const size of options.sizes) {
    process.stdout.write(`\n-- ${size} entries\n`);
    const db = await openDatabase(location);
    print('accepting in the process, fully verified', `${(await fill(db, documents, size - filled)).toFixed(0)}/s`);
    await db.close();
    filled = size;
    const served = await start();
    try {
      await measureLists(served, size);
      if (size === largest && options.uploads > 0) {
        const sent = await take(documents, options.uploads);
        const uploads = await withCpu(served, () => upload(served.url, sent, inFlight));
        printTimes(`uploads, fully verified, ${inFlight} in flight`, uploads);
        print('peer: xmlsec1 --verify, the signature alone', `${xmlsecRate(sent).toFixed(0)}/s`);
      }
    } finally {
      await served.close();
    }
  }
  await documents.return(undefined);
  if (options.multiply > 1 && 'file' in location) {
    process.stdout.write(`\n-- the index of ${largest * options.multiply} entries, copied in SQL\n`);
    multiplyIndex(location.file, options.multiply);
    const served = await start();
    try {
      await measureLists(served, largest * options.multiply);
    } finally {
      await served.close();
    }
  } else if (options.reindex) print('reindex, fully verified', `${(await reindexRate(location)).toFixed(0)}/s`);
}

const folder = await mkdtemp(join(tmpdir(), 'mintmark-bench-registry-'));
try {
  const count = largest + options.uploads;
  const begun = performance.now();
  const plan = { seed: options.seed, documents: count, endorsers };
  const { file: corpus, found } = await keptCorpus(options.corpus ?? folder, plan);
  const seconds = (performance.now() - begun) / 1000;
  print(
    `${count} documents of ${endorsers} endorsers`,
    found ? 'kept from before' : `signed in ${seconds.toFixed(0)} s`,
  );
  for (const name of options.databases) {
    process.stdout.write(`\n== ${name}\n`);
    const data = join(folder, name);
    if (name === 'sqlite') {
      await measure(
        { location: { file: join(data, 'registry.sqlite'), readers: 2 }, start: () => serve(data, []) },
        corpus,
      );
      continue;
    }
    const cluster = await startCluster({ durable: true });
    try {
      const location = cluster.location();
      await measure({ location, start: () => serve(data, ['--database', location.url]) }, corpus);
    } finally {
      await cluster.stop();
    }
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
