// A whole vault as the first version wrote it: every later version must read it, and write such records itself until they have another version.
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { createLocationBook } from '../../src/pull/location-health.ts';
import { LocationFailure } from '../../src/pull/reasons.ts';
import { activeWriters } from '../../src/vault/catalog.ts';
import { collectGarbage } from '../../src/vault/collect.ts';
import { lockCollection, readCondemned } from '../../src/vault/condemned.ts';
import { pinImage, pinnedImages } from '../../src/vault/evict.ts';
import { createUseNotes, lastUses } from '../../src/vault/last-use.ts';
import { createLeases, readLeases } from '../../src/vault/leases.ts';
import { type ObjectStore } from '../../src/vault/object-store.ts';
import { scrubVault } from '../../src/vault/scrub.ts';
import { openDirectoryStore } from '../../src/vault/stores/directory.ts';
import { chunkBytes } from '../../src/vault/stored-disk.ts';
import { openVault } from '../../src/vault/vault.ts';
import { metadataOf } from '../pull/pull-setup.ts';
import { chunksOf, identifierOf, imageOf, noise, readWhole, sha256Hex, temporaryFolder } from './fresh-vault.ts';

/** Never written again: a change of the formats gets a version of its own, and a file of its own beside this one. */
const golden = 'test/vault/golden/vault-1.json';
/** By key: records as their text, packs in base64. */
type Objects = Readonly<Record<string, string>>;

const isPack = (key: string): boolean => key.startsWith('packs/');
const time = Date.parse('2026-01-02T03:04:05.678Z');
// One chunk that is kept as it is, one that is deflated, one that is stored nowhere, and one that is short.
const disk = Buffer.concat([
  noise(1024, 'golden'),
  Buffer.alloc(chunkBytes - 1024),
  Buffer.alloc(chunkBytes, 'plants and animals; '),
  Buffer.alloc(chunkBytes),
  noise(1024, 'the end'),
]);
const snapshot = noise(4096, 'a snapshot');
const gone = noise(512, 'garbage');
const locations = ['http://example.org/disk', 'http://example.org/other'];

async function dump(store: ObjectStore): Promise<Objects> {
  const objects: [string, string][] = [];
  for await (const { key } of store.list('')) {
    const bytes = (await store.get(key)) ?? Buffer.alloc(0);
    objects.push([key, bytes.toString(isPack(key) ? 'base64' : 'utf8')]);
  }
  return Object.fromEntries(objects.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** One of every kind of object, at times and with names that are always the same. */
async function writeAll(store: ObjectStore): Promise<void> {
  let serial = 0;
  const random = (bytes: number): Buffer => Buffer.alloc(bytes, (serial += 1));
  const now = (): Date => new Date(time + serial * 1000);
  const vault = await openVault({ store, node: 'writer', compress: true, now, random });
  for (const [number, content] of [disk, gone].entries()) {
    const session = await vault.beginWrite();
    const manifestId = await session.writeDisk({ size: content.length, chunks: chunksOf(content) });
    await session.commitImage(imageOf(identifierOf(number), manifestId, content));
    await createUseNotes(vault)(identifierOf(number));
  }
  const session = await vault.beginWrite();
  const manifestId = await session.writeDisk({ size: snapshot.length, chunks: chunksOf(snapshot) });
  await session.commitVolume({ volume: 'a-volume', epoch: 7, manifestId, size: snapshot.length });
  await pinImage(vault, identifierOf(0));
  await createLeases(vault, { inUse: () => [manifestId], isComplete: () => true }).settle();
  await createLocationBook(vault, (_metadata, location) =>
    location === locations[0]
      ? Promise.resolve()
      : Promise.reject(new LocationFailure('unreachable', 'it answers with 404')),
  ).probe(metadataOf(disk, locations, { identifier: identifierOf(0) }), 'full', new AbortController().signal);
  // A writer that is still at work elsewhere, and garbage that waits for it.
  await (await openVault({ store, node: 'elsewhere', now, random })).beginWrite();
  await vault.removeImage(identifierOf(1));
  await collectGarbage(vault, { grace: 60_000 });
  const stop = new AbortController();
  await expect(scrubVault(vault, { signal: stop.signal, onProgress: () => stop.abort() })).rejects.toThrow('aborted');
  const [pack] = vault.catalog.index.packs();
  await vault.damage.note({ pack: pack?.name ?? '', entry: 0 }, Buffer.alloc(32, 0xab));
  await lockCollection(store, 'elsewhere', now);
}

/** Deflate may give other bytes with another zlib; packs have golden bytes in format.test.ts. */
function comparable(key: string, text: string): string {
  if (isPack(key)) return '';
  return key === 'gc/scrub' ? text.replace(/"checkedBytes":\d+\}\n.*\n/u, '') : text;
}

const first = async (): Promise<Objects> => JSON.parse(await readFile(golden, 'utf8')) as Objects;

test("today's version writes the records of version 1, byte for byte", async () => {
  const store = await openDirectoryStore(await temporaryFolder());
  await writeAll(store);
  const [written, expected] = [await dump(store), await first()];
  expect(Object.keys(written)).toEqual(Object.keys(expected));
  for (const [key, text] of Object.entries(written))
    expect([key, comparable(key, text)]).toEqual([key, comparable(key, expected[key] ?? '')]);
});

test('a vault of version 1 is read, with everything in it', async () => {
  const store = await openDirectoryStore(await temporaryFolder());
  for (const [key, text] of Object.entries(await first()))
    await store.put(key, [Buffer.from(text, isPack(key) ? 'base64' : 'utf8')]);
  const vault = await openVault({ store, node: 'reader', now: () => new Date(time + 60_000) });
  const [image, ...others] = await vault.listImages();
  expect(others).toEqual([]);
  expect(image).toMatchObject({
    ...imageOf(identifierOf(0), image?.manifestId ?? '', disk),
    writer: expect.stringMatching(/^[0-9a-f]{24}$/u) as string,
  });
  const [kept] = await vault.listVolumes();
  expect(kept).toMatchObject({ volume: 'a-volume', epoch: 7, size: snapshot.length });
  expect(await vault.volume('a-volume', 7)).toEqual(kept);
  expect(sha256Hex(await readWhole(await vault.openDisk(image?.manifestId ?? '')))).toBe(sha256Hex(disk));
  expect((await readWhole(await vault.openDisk(kept?.manifestId ?? ''))).equals(snapshot)).toBe(true);

  expect([...(await pinnedImages(vault))]).toEqual([identifierOf(0)]);
  expect([...(await lastUses(vault)).keys()].toSorted()).toEqual([identifierOf(0), identifierOf(1)]);
  expect(await readLeases(store)).toEqual([{ node: 'writer', manifestId: kept?.manifestId }]);
  expect(
    await createLocationBook(vault, () => Promise.reject(new Error('nobody asks'))).read({
      identifier: identifierOf(0),
      locations,
    }),
  ).toMatchObject([
    { location: locations[0], state: 'good', method: 'full' },
    { location: locations[1], state: 'unreachable', reason: 'it answers with 404' },
  ]);
  expect(vault.catalog.index.hasDamage).toBe(true);
  const [[writer, intent] = ['', undefined]] = await activeWriters(store);
  expect(intent?.node).toBe('elsewhere');
  expect((await readCondemned(store)).packs).toMatchObject([{ waitsFor: [writer] }]);
  await expect(collectGarbage(vault, { grace: 0 })).rejects.toMatchObject({
    code: 'vault.busy',
    message: expect.stringContaining('by elsewhere since 2026-01-02T03:04') as string,
  });
  // It goes on behind the pack with the note, so that this one counts.
  expect(await scrubVault(vault)).toMatchObject({ resumed: true, unreadable: [], broken: [identifierOf(0)] });
});
