// The registry under load, as its users meet it: the real server over HTTP, on SQLite and on PostgreSQL, with signed documents.
// Run: npm run bench -- registry [--sizes=10000,100000] [--databases=sqlite,postgres] [--uploads=1000] [--requests=500]
//      [--seed=1] [--reindex] [--browser] [--multiply=10] [--corpus=FOLDER]
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { openDatabase, type Database } from '../src/db/database.ts';
import { openRegistry } from '../src/registry/registry.ts';
import { openVerifierPool } from '../src/trust/pool.ts';
import { startCluster } from '../test/db/postgres-cluster.ts';
import { bareTimes } from './registry/bare.ts';
import { ask, upload } from './registry/client.ts';
import { see } from './registry/browser.ts';
import { keptCorpus, readCorpus } from './registry/corpus.ts';
import { emailOf, endorsersOf } from './registry/documents.ts';
import { fill, patience } from './registry/fill.ts';
import { filteredPage, measuredLists } from './registry/lists.ts';
import { multiplyIndex } from './registry/multiply.ts';
import { readOptions } from './registry/options.ts';
import { Report, type Measured } from './registry/report.ts';
import { serve, type Served } from './registry/served.ts';
import { xmlsecRate } from './registry/xmlsec.ts';
import { type Times } from './registry/time.ts';
import { compareWays } from './registry/ways.ts';

const inFlight = 50;
const options = readOptions();
const largest = options.sizes.at(-1) ?? 0;
const endorsers = endorsersOf(largest);
let report = new Report();

async function withCpu(served: Served, run: () => Promise<Times>): Promise<Measured> {
  const before = served.cpu();
  const times = await run();
  return { ...times, cpu: (served.cpu() - before) / times.requests };
}

async function measureLists(served: Served, size: number, location: Store['location']): Promise<void> {
  const { url } = served;
  const trivial = () => ask(url, { count: options.requests, inFlight }, () => ({ path: '/healthz' }));
  report.times(`peer: /healthz, ${inFlight} in flight`, await withCpu(served, trivial), size);
  const fewer = Math.ceil(options.requests / 5);
  report.line('all entries judged for admitted=true', `after ${(await judged(url)).toFixed(1)} s`);
  const registry = { entries: size, endorsers, identifiers: await identifiersOf(url) };
  for (const { name, accept, path } of measuredLists(registry)) {
    const question = (number: number) => ({ path: path(number), headers: { accept } });
    const run = (count: number, together: number) => () => ask(url, { count, inFlight: together }, question);
    await run(20, 1)();
    const alone = await withCpu(served, run(fewer, 1));
    report.times(`${name}, alone`, alone, size);
    if (name === filteredPage.name) {
      const bare = await bareTimes(
        location,
        Array.from({ length: fewer }, (_, number) => path(number)),
      );
      const ratio = `ratio ${(alone.p50 / bare.p50).toFixed(1)}`;
      report.line('peer: the same statement, no server', `p50 ${bare.p50.toFixed(2)} ms; ${ratio}`);
    }
    report.times(`${name}, ${inFlight} in flight`, await withCpu(served, run(options.requests, inFlight)), size);
  }
  const path = await lastPage(url);
  const end = () => ask(url, { count: options.requests, inFlight }, () => ({ path }));
  report.times(`a last page by cursor, ${inFlight} in flight`, await withCpu(served, end), size);
  const tag = (await fetch(`${url}/metadata?media=html`)).headers.get('etag') ?? '';
  const headers = { 'if-none-match': tag };
  const unchanged = () =>
    ask(url, { count: options.requests, inFlight, status: 304 }, () => ({ path: '/metadata?media=html', headers }));
  report.times(`a list that the client has, ${inFlight} in flight`, await withCpu(served, unchanged), size);
  if (options.browser) {
    const { files, bytes, compressed, firstPaint } = await see(`${url}/metadata`);
    const weight = `${(bytes / 1000).toFixed(1)} kB in ${files} files (${(compressed / 1000).toFixed(1)} kB if gzipped)`;
    report.line('front page in Chromium', `${weight}, first paint after ${firstPaint.toFixed(0)} ms`);
  }
}

/** Identifiers of a hundred images. */
async function identifiersOf(url: string): Promise<readonly string[]> {
  const response = await fetch(`${url}/metadata?limit=100&media=json`);
  const { entries } = (await response.json()) as { readonly entries: readonly { readonly identifier: string }[] };
  return entries.map(({ identifier }) => identifier);
}

/** Waits until the policy's verdicts on all entries are there, which are made once for each server; returns seconds. */
async function judged(url: string): Promise<number> {
  const begun = performance.now();
  for (;;) {
    const response = await fetch(`${url}/metadata?admitted=true&limit=1&media=json`);
    const { exact } = (await response.json()) as { readonly exact: boolean };
    if (exact) return (performance.now() - begun) / 1000;
    await setTimeout(100);
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

/** Part of the first documents that shows what threads and shared commits are good for. */
async function compare(db: Database, documents: AsyncIterator<Buffer>, count: number): Promise<void> {
  for (const { name, perSecond, cpu } of await compareWays(db, documents, count)) {
    report.line(`accepting: ${name}`, `${perSecond.toFixed(0)}/s, ${cpu.toFixed(2)} ms CPU each`);
  }
}

async function measure({ location, start }: Store, corpus: string): Promise<void> {
  // A server begins the log, with a key of its own.
  await (await start()).close();
  const documents = readCorpus(corpus);
  const compared = Math.min(6000, Math.floor((options.sizes[0] ?? 0) / 30) * 15);
  let filled = 0;
  for (const size of options.sizes) {
    report.heading(`${size} entries`);
    const db = await openDatabase(location);
    if (filled === 0) await compare(db, documents, compared);
    const left = size - (filled === 0 ? compared : filled);
    report.line('accepting in the process, fully verified', `${(await fill(db, documents, left)).toFixed(0)}/s`);
    await db.close();
    filled = size;
    const served = await start();
    try {
      await measureLists(served, size, location);
      if (size === largest && options.uploads > 0) {
        const sent = await take(documents, options.uploads);
        const uploads = await withCpu(served, () => upload(served.url, sent, inFlight));
        report.times(`uploads, fully verified, ${inFlight} in flight`, uploads);
        const peer = xmlsecRate(sent);
        const ratio = `ratio ${(uploads.perSecond / peer).toFixed(2)}`;
        report.line('peer: xmlsec1 --verify, the signature alone', `${peer.toFixed(0)}/s; ${ratio}`);
      }
    } finally {
      await served.close();
    }
  }
  await documents.return(undefined);
  if (options.reindex) {
    const [rate, peer] = [await reindexRate(location), xmlsecRate(await take(readCorpus(corpus), 1000))];
    report.line('reindex, fully verified', `${rate.toFixed(0)} entries/s`);
    report.line('peer: xmlsec1 --verify, one process', `${peer.toFixed(0)}/s; ratio ${(rate / peer).toFixed(2)}`);
  }
  if (options.multiply > 1) {
    const entries = largest * options.multiply;
    report.heading(`the index of ${entries} entries, copied in SQL`);
    const begun = performance.now();
    await multiplyIndex(location, options.multiply);
    report.line('copied in', `${((performance.now() - begun) / 1000).toFixed(0)} s`);
    const served = await start();
    try {
      await measureLists(served, entries, location);
    } finally {
      await served.close();
    }
  }
  report.growth();
}

const folder = await mkdtemp(join(tmpdir(), 'mintmark-bench-registry-'));
try {
  const count = largest + options.uploads;
  const begun = performance.now();
  const plan = { seed: options.seed, documents: count, endorsers };
  const { file: corpus, found } = await keptCorpus(options.corpus ?? folder, plan);
  const seconds = (performance.now() - begun) / 1000;
  report.line(
    `${count} documents of ${endorsers} endorsers`,
    found ? 'kept from before' : `signed in ${seconds.toFixed(0)} s`,
  );
  for (const name of options.databases) {
    process.stdout.write(`\n== ${name}\n`);
    report = new Report();
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
