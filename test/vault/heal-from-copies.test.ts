// Every damage that a vault can take, healed from every source of copies, while readers read: nothing wrong is ever returned.
import { truncate, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Fault } from '../../src/errors/fault.ts';
import { checkDisk } from '../../src/vault/check-disk.ts';
import { type ChunkSource } from '../../src/vault/chunk-source.ts';
import { healFromCopies } from '../../src/vault/heal-from-copies.ts';
import { openIndexFile } from '../../src/vault/index-file.ts';
import { isLost, lossOf } from '../../src/vault/lost.ts';
import { chunkKinds, packEntry, packTrailer } from '../../src/vault/pack.ts';
import { rawDiskSource } from '../../src/vault/raw-disk-source.ts';
import { salvageSource } from '../../src/vault/salvage.ts';
import { scrubVault } from '../../src/vault/scrub.ts';
import { storeSource } from '../../src/vault/store-source.ts';
import { openDirectoryStore } from '../../src/vault/stores/directory.ts';
import { chunkBytes } from '../../src/vault/stored-disk.ts';
import { openVault, type Vault } from '../../src/vault/vault.ts';
import { damageChunks } from './damaged-packs.ts';
import { freshVault, noise, readWhole, sha256Hex, storeImage, temporaryFolder } from './fresh-vault.ts';

const zeros = Buffer.alloc(chunkBytes);
const disk = Buffer.concat([noise(3 * chunkBytes, 'a'), zeros, noise(3 * chunkBytes + 512, 'b')]);
const second = sha256Hex(disk.subarray(chunkBytes, 2 * chunkBytes));
const { signal } = new AbortController();

interface Scene {
  readonly vault: Vault;
  readonly folder: string;
}

async function packFiles(folder: string): Promise<readonly string[]> {
  const entries = await readdir(join(folder, 'packs'), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

async function changePacks(folder: string, change: (pack: Buffer) => void): Promise<void> {
  for (const path of await packFiles(folder)) {
    const pack = await readFile(path);
    change(pack);
    await writeFile(path, pack);
  }
}
const flip = (bytes: Buffer, at: number): void => void bytes.writeUInt8((bytes[at] ?? 0) ^ 8, at);
const endOf = (pack: Buffer): number => pack.length - packTrailer.bytes;

const damages = {
  'a bit of a chunk': ({ vault }) => damageChunks(vault, (sha256) => sha256 === second),
  'a bit of a leaf': ({ vault }) => damageChunks(vault, (_sha256, kind) => kind === chunkKinds.leaf),
  'a bit of the root': ({ vault }) => damageChunks(vault, (_sha256, kind) => kind === chunkKinds.root),
  'a hash in the index': ({ folder }) => changePacks(folder, (pack) => flip(pack, endOf(pack) - packEntry.bytes + 3)),
  'a place in the index': ({ folder }) => changePacks(folder, (pack) => flip(pack, endOf(pack) - packEntry.bytes + 34)),
  'the trailer': ({ folder }) => changePacks(folder, (pack) => flip(pack, endOf(pack) + 1)),
  'a pack that is gone': async ({ folder }) => {
    for (const path of await packFiles(folder)) await rm(path);
  },
  'a pack that is cut': async ({ folder }) => {
    for (const path of await packFiles(folder)) await truncate(path, 2 * chunkBytes + 5000);
  },
} as const satisfies Record<string, (scene: Scene) => Promise<unknown>>;
type Damage = keyof typeof damages;

/** What makes a source of the scene. */
const sources: Readonly<Record<string, (vault: Vault) => Promise<ChunkSource>>> = {
  'a raw disk': async () =>
    rawDiskSource('raw', { manifestId: '', size: disk.length }, async (offset, length) =>
      disk.subarray(offset, offset + length),
    ),
  'the vault of another': async () => {
    const other = await freshVault();
    await storeImage(other.vault, 9, disk);
    return storeSource('other', () => openDirectoryStore(other.folder, 'read'));
  },
  'the pack itself': async (vault) => salvageSource(vault),
};
/** What the pack itself has: its chunks, where only the index is bad. */
const salvageable: ReadonlySet<string> = new Set(['a hash in the index', 'the trailer']);

/** Reads on until it is told to end; every answer must be right, or an error that says so. */
function readOn(vault: Vault, manifestId: string, how: 'may fail' | 'never fails' = 'may fail'): () => Promise<number> {
  const ended = new AbortController();
  const reading = (async () => {
    let right = 0;
    for (let turn = 0; !ended.signal.aborted; turn += 1) {
      const index = turn % Math.ceil(disk.length / chunkBytes);
      try {
        const open = await vault.openDisk(manifestId);
        try {
          const chunk = await open.readChunk(index);
          if (!chunk.equals(disk.subarray(index * chunkBytes, (index + 1) * chunkBytes)))
            throw new Error(`chunk ${index} is wrong`);
          right += 1;
        } finally {
          await open.close();
        }
      } catch (error) {
        const says = error instanceof Fault && ['vault.corrupt', 'vault.missing', 'not-found'].includes(error.code);
        if (!says || how === 'never fails') throw error;
      }
      await new Promise(setImmediate);
    }
    return right;
  })();
  reading.catch(() => undefined);
  onTestFinished(() => ended.abort());
  return () => {
    ended.abort();
    return reading;
  };
}

const cases = (Object.keys(damages) as Damage[]).flatMap((damage) =>
  Object.keys(sources).map((source) => [damage, source] as const),
);
const canHeal = ([damage, source]: readonly [Damage, string]): boolean =>
  source !== 'the pack itself' || salvageable.has(damage);

/** A disk with this damage, read by a process that begins now and knows nothing of before, once all damage is known. */
async function damaged(damage: Damage, name: string) {
  const { vault: writer, store, folder } = await freshVault();
  const manifestId = await storeImage(writer, 1, disk);
  await damages[damage]({ vault: writer, folder });
  const vault = await openVault({ store, node: 'later', cacheBytes: 0 });
  const source = await sources[name]?.(vault);
  if (source === undefined) throw new Error('no source');
  const end = readOn(vault, manifestId);
  await checkDisk(vault, manifestId, { signal });
  expect(isLost(await lossOf(vault, manifestId))).toBe(true);
  expect(vault.isSuspect).toBe(true);
  return { vault, store, manifestId, source, end };
}

test.each(cases.filter(canHeal))('%s is healed from %s', async (damage, name) => {
  const { vault, store, manifestId, source, end } = await damaged(damage, name);
  const report = await healFromCopies(vault, manifestId, [source], { signal });
  expect(report).toMatchObject({ sources: [source.name], loss: { chunks: [], tree: [] } });
  expect((await readWhole(await vault.openDisk(manifestId))).equals(disk)).toBe(true);
  const restarted = await openVault({ store, node: 'again' });
  expect((await readWhole(await restarted.openDisk(manifestId))).equals(disk)).toBe(true);
  await end();
});

test.each(cases.filter((one) => !canHeal(one)))(
  '%s is more than %s can heal, and stays known',
  async (damage, name) => {
    const { vault, manifestId, source, end } = await damaged(damage, name);
    const { loss } = await healFromCopies(vault, manifestId, [source], { signal });
    expect(isLost(loss)).toBe(true);
    expect(isLost(await lossOf(vault, manifestId))).toBe(true);
    await end();
  },
);

test('a source that lies brings nothing into the vault', async () => {
  const { vault, folder } = await freshVault();
  const manifestId = await storeImage(vault, 1, disk);
  await damages['a bit of a chunk']({ vault, folder });
  await checkDisk(vault, manifestId, { signal });
  const files = await packFiles(folder);
  const liar: ChunkSource = { name: 'liar', read: async () => Buffer.alloc(chunkBytes, 7) };
  const report = await healFromCopies(vault, manifestId, [liar], { signal });
  expect(report).toMatchObject({ repaired: 0, sources: [] });
  expect(await packFiles(folder)).toEqual(files);
});

test('a source that cannot be read is said, and the next one is asked', async () => {
  const { vault, folder } = await freshVault();
  const manifestId = await storeImage(vault, 1, disk);
  await damages['a bit of the root']({ vault, folder });
  await checkDisk(vault, manifestId, { signal });
  const nowhere = storeSource('nowhere', async () => openDirectoryStore(join(await temporaryFolder(), 'gone'), 'read'));
  const raw = await sources['a raw disk']?.(vault);
  const report = await healFromCopies(vault, manifestId, raw === undefined ? [] : [nowhere, raw], { signal });
  expect(report.sources).toEqual(['raw']);
  expect(report.reasons).toEqual([expect.stringContaining('nowhere: ')]);
});

test('a scrub that finds a bad index copies the pack before others miss it, and no reader does', async () => {
  const folder = await temporaryFolder();
  const store = await openDirectoryStore(folder);
  const indexFile = join(await temporaryFolder(), 'index');
  const vault = await openVault({ store, node: 'one', indexFile, cacheBytes: 0 });
  const manifestId = await storeImage(vault, 1, disk);
  await changePacks(folder, (pack) => flip(pack, endOf(pack) - 1));
  const end = readOn(vault, manifestId, 'never fails');
  const report = await scrubVault(vault);
  expect(await end()).toBeGreaterThan(0);
  expect(report).toMatchObject({ broken: [], unreadable: [expect.any(String)] });
  for (const options of [{ node: 'two' }, { node: 'one', indexFile }]) {
    const other = await openVault({ store, ...options });
    expect((await readWhole(await other.openDisk(manifestId))).equals(disk)).toBe(true);
  }
  expect((await openIndexFile(indexFile)).find(report.unreadable[0] ?? '', 0)).toBeUndefined();
});
