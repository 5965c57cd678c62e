// Following another registry, and every way of lying to a mirror that we could think of: each is noticed.
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { writeCheckpoint } from '../../src/registry/log/checkpoint.ts';
import { openLog, type RegistryLog } from '../../src/registry/log/log.ts';
import { leafHash, rootHash } from '../../src/registry/log/merkle.ts';
import { type NoteSigner } from '../../src/registry/log/note.ts';
import { exportBundle, openBundle } from '../../src/registry/mirror/bundle.ts';
import { followLog } from '../../src/registry/mirror/follow.ts';
import { remoteLog, type GetPath, type LogSource } from '../../src/registry/mirror/source.ts';
import { nodesOf } from './nodes.ts';
import { openTestRegistry, type TestRegistry } from './open-registry.ts';
import { plainDocument } from './plain-documents.ts';

const signer = { name: 'images.example.org/log', privateKey: generateKeyPairSync('ed25519').privateKey };
const entries = 12;

let origin: TestRegistry;
let mirror: TestRegistry;
let log: RegistryLog;
beforeEach(async () => {
  origin = await openTestRegistry();
  mirror = await openTestRegistry();
  log = openLog(origin.db, signer);
  for (let number = 0; number < entries; number += 1) await addEntry(number);
  await origin.registry.accept(Buffer.from('nothing'), {}).catch(() => undefined);
});
afterEach(async () => {
  await origin.close();
  await mirror.close();
});

function addEntry(number: number) {
  return origin.upload({ image: `image ${number}`, title: `title ${number}` });
}

const notTheThird = (bytes: Buffer) => Promise.resolve(!bytes.includes('"title 3"'));

/** What the other registry's server answers. */
const get: GetPath = async (path) => {
  if (path === '/log/checkpoint') return Buffer.from(await log.checkpoint());
  if (path === '/trust') return undefined;
  if (path.startsWith('/log/')) return log.tile(path.slice('/log/'.length));
  const [, , identifier = '', email = '', created = ''] = path
    .replace('?media=xml', '')
    .split('/')
    .map(decodeURIComponent);
  return origin.registry.document({ identifier, email, created });
};

/** The same, with tiles that are cut short. */
const shortTiles: GetPath = async (path) => (path.startsWith('/log/tile') ? Buffer.from([0, 9, 1]) : get(path));

function follow(source: LogSource = remoteLog(get)) {
  const accept = (bytes: Buffer) => mirror.registry.accept(bytes, {});
  return followLog({ db: mirror.db, accept }, source, log.verifier);
}

async function allLeaves(): Promise<Buffer[]> {
  const rows = await origin.db.query.selectFrom('log_leaves').select('leaf').orderBy('seq').execute();
  return rows.map(({ leaf }) => leaf);
}

/** A log of these leaves, signed by the same key: what a registry that lies can make. */
async function signedSource(leaves: readonly Buffer[], by: NoteSigner = signer): Promise<LogSource> {
  const root = await rootHash(nodesOf(leaves.map(leafHash)), leaves.length);
  return {
    ...remoteLog(get),
    checkpoint: () => Promise.resolve(writeCheckpoint({ size: leaves.length, root }, by)),
    async *leaves(first, end) {
      yield* await Promise.resolve(leaves.slice(first, end));
    },
  };
}

test('a mirror has all that the other has, and goes on from where it stopped', async () => {
  expect(await follow()).toEqual({ size: entries + 1, created: entries, unchanged: 0, left: 0, refused: [] });
  await addEntry(entries);
  expect(await follow()).toEqual({ size: entries + 2, created: 1, unchanged: 0, left: 0, refused: [] });
  expect(await follow()).toEqual({ size: entries + 2, created: 0, unchanged: 0, left: 0, refused: [] });
  expect(await mirror.titles({ limit: 100, sort: 'title' })).toEqual(
    await origin.titles({ limit: 100, sort: 'title' }),
  );
});

test('what this site refuses is told, and the rest is taken', async () => {
  const accept = (bytes: Buffer) =>
    bytes.includes('"title 3"') ? mirror.registry.accept(Buffer.from('x'), {}) : mirror.registry.accept(bytes, {});
  const followed = await followLog({ db: mirror.db, accept }, remoteLog(get), log.verifier);
  expect(followed.created).toBe(entries - 1);
  expect(followed.refused).toMatchObject([{ seq: 3, code: 'registry.refused' }]);
});

test('what this site does not want is left, and looked at again when it is told to', async () => {
  const accept = (bytes: Buffer) => mirror.registry.accept(bytes, {});
  const some = { db: mirror.db, accept, wants: notTheThird };
  const counts = { size: entries + 1, refused: [] };
  expect(await followLog(some, remoteLog(get), log.verifier)).toEqual({
    ...counts,
    created: entries - 1,
    unchanged: 0,
    left: 1,
  });
  expect(await mirror.titles({ sort: 'title', limit: 100 })).not.toContain('title 3');
  expect(await follow()).toEqual({ ...counts, created: 0, unchanged: 0, left: 0 });
  const again = await followLog({ db: mirror.db, accept }, remoteLog(get), log.verifier, { again: true });
  expect(again).toEqual({ ...counts, created: 1, unchanged: entries - 1, left: 0 });
});

test('nothing is written, and nobody held up, while leaves are fetched; more than memory should hold wait in a file', async () => {
  for (let number = entries; number < 520; number += 1) await addEntry(number);
  const slow = remoteLog(get);
  const source: LogSource = {
    ...slow,
    async *leaves(first, end) {
      for await (const leaf of slow.leaves(first, end)) {
        // An upload in the middle of the fetch: it would wait for ever behind a transaction that is open.
        if (leaf.includes('"refused"')) await mirror.upload({ image: 'of its own', title: 'of its own' });
        yield leaf;
      }
    },
  };
  expect(await follow(source)).toMatchObject({ size: 521, created: 520 });
  expect(await mirror.titles({ q: 'own' })).toEqual(['of its own']);
});

test('two followers at once store each leaf once, and of two forks one is caught', async () => {
  const [one, two] = await Promise.all([follow(), follow()]);
  expect(one.created + two.created).toBe(entries);
  await addEntry(entries);
  await addEntry(entries + 1);
  const leaves = await allLeaves();
  const fork = await signedSource([
    ...leaves.slice(0, -1),
    Buffer.from(JSON.stringify({ v: 1, decision: 'refused', sha256: '0'.repeat(64) })),
  ]);
  const both = await Promise.allSettled([follow(), follow(fork)]);
  expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
});

test('a fork is caught that was fetched while another follower stored the true log', async () => {
  await follow();
  await addEntry(entries);
  const leaves = await allLeaves();
  const refused = Buffer.from(JSON.stringify({ v: 1, decision: 'refused', sha256: '0'.repeat(64) }));
  const fork = await signedSource([...leaves.slice(0, -1), refused]);
  const slow: LogSource = {
    ...fork,
    async *leaves(first, end) {
      // What is known so far has been looked at: the fork leads from it to the root that it shows.
      expect((await follow()).created).toBe(1);
      yield* fork.leaves(first, end);
    },
  };
  await expect(follow(slow)).rejects.toMatchObject({
    code: 'registry.mirror-forged',
    message: expect.stringContaining('forked') as string,
  });
  expect((await follow()).size).toBe(entries + 2);
});

describe('a lie is noticed', () => {
  const forged = { code: 'registry.mirror-forged' };

  test.each([
    ['an entry that is dropped', (leaves: Buffer[]) => leaves.filter((_, index) => index !== 4)],
    ['an entry that is changed', (leaves: Buffer[]) => leaves.with(4, Buffer.from('{"v":1}'))],
    [
      'two entries in another order',
      (leaves: Buffer[]) => leaves.with(4, leaves[5] ?? Buffer.of()).with(5, leaves[4] ?? Buffer.of()),
    ],
    ['an entry that is put in', (leaves: Buffer[]) => leaves.toSpliced(4, 0, Buffer.from('{"v":1}'))],
  ])('%s, under the checkpoint of the true log', async (_, lie) => {
    const leaves = lie(await allLeaves());
    const source = { ...(await signedSource(leaves)), checkpoint: () => log.checkpoint() };
    await expect(follow(source)).rejects.toMatchObject(forged);
    expect((await mirror.find({ status: 'all' })).total).toBe(0);
  });

  test.each([
    ['dropped', (leaves: Buffer[]) => leaves.filter((_, index) => index !== 4)],
    ['changed', (leaves: Buffer[]) => leaves.with(4, Buffer.from('{"v":1}'))],
    ['reordered', (leaves: Buffer[]) => leaves.with(4, leaves[5] ?? Buffer.of()).with(5, leaves[4] ?? Buffer.of())],
    ['cut off', (leaves: Buffer[]) => leaves.slice(0, 5)],
    ['changed and longer', (leaves: Buffer[]) => [...leaves.with(0, Buffer.from('{"v":1}')), Buffer.from('{}')]],
  ])('a past that is %s and signed anew: a fork', async (_, lie) => {
    await follow();
    const before = await mirror.find({ status: 'all' });
    await expect(follow(await signedSource(lie(await allLeaves())))).rejects.toMatchObject(forged);
    expect(await mirror.find({ status: 'all' })).toEqual(before);
    // The true log is still followed.
    await addEntry(entries);
    expect((await follow()).created).toBe(1);
  });

  test('a document that is not the one that was accepted, or is withheld', async () => {
    const other = plainDocument({ image: 'image 2', title: 'forged' });
    await expect(follow({ ...remoteLog(get), document: () => Promise.resolve(other) })).rejects.toMatchObject(forged);
    const withheld = { ...remoteLog(get), document: () => Promise.resolve(undefined) };
    await expect(follow(withheld)).rejects.toMatchObject({ code: 'registry.mirror-incomplete' });
    expect((await follow()).created).toBe(entries);
  });

  test('a checkpoint that somebody else signed, of a log that is whole in itself', async () => {
    const other = { name: signer.name, privateKey: generateKeyPairSync('ed25519').privateKey };
    const source = await signedSource(await allLeaves(), other);
    await expect(follow(source)).rejects.toMatchObject({
      ...forged,
      message: expect.stringContaining('not signed by') as string,
    });
    expect((await mirror.find({ status: 'all' })).total).toBe(0);
    await expect(
      followLog({ db: mirror.db, accept: () => Promise.reject(new Error('asked')) }, source, 'x'),
    ).rejects.toMatchObject({ code: 'usage' });
  });

  test('tiles that hold less than they should', async () => {
    await expect(follow(remoteLog(shortTiles))).rejects.toMatchObject(forged);
  });
});

describe('a bundle', () => {
  let folder: string;
  let file: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mintmark-bundle-'));
    file = join(folder, 'registry.bundle');
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  async function write(change: (text: string) => string = (text) => text): Promise<void> {
    let text = '';
    for await (const line of exportBundle(origin.db, log, undefined)) text += line;
    await writeFile(file, change(text));
  }

  test('carries a whole registry over a gap, and the next one what is new', async () => {
    await write();
    const first = await openBundle(file);
    expect(first.verifier).toBe(log.verifier);
    expect(await follow(first.source)).toEqual({
      size: entries + 1,
      created: entries,
      unchanged: 0,
      left: 0,
      refused: [],
    });
    await addEntry(entries);
    await write();
    expect((await follow((await openBundle(file)).source)).created).toBe(1);
  });

  test.each([
    ['cut short', (text: string) => text.slice(0, text.lastIndexOf('\n', text.length - 2) + 1)],
    ['with a broken line', (text: string) => text.replace('"leaf":"', '"leaf":"!')],
    ['with a line of its middle left out', (text: string) => text.split('\n').toSpliced(5, 1).join('\n')],
    ['with another size', (text: string) => text.replace(`\\n${entries + 1}\\n`, `\\n${entries}\\n`)],
  ])('%s is refused', async (_, change) => {
    await write(change);
    const { source } = await openBundle(file);
    await expect(follow(source)).rejects.toMatchObject({ code: 'registry.mirror-forged' });
    expect((await mirror.find({ status: 'all' })).total).toBe(0);
  });

  test('that is none is refused', async () => {
    await writeFile(file, 'hello\n');
    await expect(openBundle(file)).rejects.toMatchObject({ code: 'registry.mirror-forged' });
    await writeFile(file, '');
    await expect(openBundle(file)).rejects.toMatchObject({ code: 'registry.mirror-forged' });
  });
});
