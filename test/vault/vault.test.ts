// Disks go into the vault and come out again; what is not committed cannot be reached and is cleared away.
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openDirectoryStore } from '../../src/vault/stores/directory.ts';
import { chunkBytes } from '../../src/vault/stored-disk.ts';
import { openVault } from '../../src/vault/vault.ts';
import { chunksOf, freshVault, identifierOf, imageOf, noise, readWhole, storeImage } from './fresh-vault.ts';

const filesBelow = async (folder: string): Promise<string[]> =>
  (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name);

const sparseDisk = Buffer.concat([
  noise(3 * chunkBytes, 'a'),
  Buffer.alloc(5 * chunkBytes),
  noise(chunkBytes + 1536, 'b'),
]);

describe('a disk in the vault', () => {
  test('comes out as it went in, its zero chunks stored nowhere', async () => {
    const { vault } = await freshVault();
    const session = await vault.beginWrite();
    const manifestId = await session.writeDisk({ size: sparseDisk.length, chunks: chunksOf(sparseDisk) });
    expect(session.storedBytes).toBeLessThan(5 * chunkBytes + 64 * 1024);
    await session.commitImage(imageOf(identifierOf(1), manifestId, sparseDisk));
    const disk = await vault.openDisk(manifestId);
    expect(disk.size).toBe(sparseDisk.length);
    expect((await readWhole(disk)).equals(sparseDisk)).toBe(true);
    expect([await disk.isZeroChunk(2), await disk.isZeroChunk(3), await disk.isZeroChunk(8)]).toEqual([
      false,
      true,
      false,
    ]);
    await disk.close();
    expect(vault.openDisks.size).toBe(0);
  });

  test('of no bytes at all, and one of only zeros, are disks too', async () => {
    const { vault } = await freshVault();
    for (const [number, disk] of [Buffer.alloc(0), Buffer.alloc(3 * chunkBytes)].entries()) {
      const opened = await vault.openDisk(await storeImage(vault, number, disk));
      expect((await readWhole(opened)).equals(disk)).toBe(true);
    }
  });

  test('is found by another process, before and after that one has looked', async () => {
    const { vault, store } = await freshVault();
    const other = await openVault({ store, node: 'other' });
    const manifestId = await storeImage(vault, 1, sparseDisk);
    expect(await other.image(identifierOf(1))).toEqual(await vault.image(identifierOf(1)));
    expect((await readWhole(await other.openDisk(manifestId))).equals(sparseDisk)).toBe(true);
  });

  test('shares its chunks and leaves with one of the same content', async () => {
    const { vault } = await freshVault();
    await storeImage(vault, 1, sparseDisk);
    const changed = Buffer.from(sparseDisk);
    changed[0] = (changed[0] ?? 0) ^ 1;
    const session = await vault.beginWrite();
    await session.writeDisk({ size: changed.length, chunks: chunksOf(changed) });
    expect(session.storedBytes).toBeLessThan(chunkBytes + 64 * 1024);
    expect(session.sharedBytes).toBe(3 * chunkBytes + 1536);
    await session.abort();
  });

  test('can be written as the changes of another', async () => {
    const { vault } = await freshVault();
    const parent = await storeImage(vault, 1, sparseDisk);
    const size = sparseDisk.length;
    const change = { index: 1, data: noise(chunkBytes, 'c') };
    const session = await vault.beginWrite();
    const manifestId = await session.writeDisk({
      size,
      chunks: [change, { index: 4, data: Buffer.alloc(chunkBytes) }],
      parent,
    });
    await session.commitVolume({ volume: 'v1', epoch: 1, manifestId, size });
    const expected = Buffer.from(sparseDisk);
    change.data.copy(expected, chunkBytes);
    expect((await readWhole(await vault.openDisk(manifestId))).equals(expected)).toBe(true);
    expect(await vault.volume('v1', 1)).toMatchObject({ manifestId, size });
  });

  test('compressed where it helps, reads the same', async () => {
    const { store, folder } = await freshVault();
    const vault = await openVault({ store, node: 'test', compress: true });
    const disk = Buffer.concat([Buffer.alloc(4 * chunkBytes, 'plants and animals, '), noise(chunkBytes, 'd')]);
    const manifestId = await storeImage(vault, 1, disk);
    const again = await openVault({ store: await openDirectoryStore(folder), node: 'again' });
    expect((await readWhole(await again.openDisk(manifestId))).equals(disk)).toBe(true);
  });

  test('with an odd chunk is refused', async () => {
    const { vault } = await freshVault();
    const session = await vault.beginWrite();
    const chunks = [{ index: 0, data: Buffer.alloc(512, 1) }];
    await expect(session.writeDisk({ size: 1024, chunks })).rejects.toThrow('does not fit');
    await expect(session.writeDisk({ size: 1000, chunks })).rejects.toMatchObject({ code: 'usage' });
    await session.abort();
  });
});

describe('what is not committed', () => {
  test('is removed by abort, to the last file', async () => {
    const { vault, folder } = await freshVault();
    const session = await vault.beginWrite();
    const manifestId = await session.writeDisk({ size: sparseDisk.length, chunks: chunksOf(sparseDisk) });
    await session.abort();
    expect(await filesBelow(folder)).toEqual([]);
    await expect(vault.openDisk(manifestId)).rejects.toMatchObject({ code: 'not-found' });
  });

  test('is removed when a process of the same name opens the vault again, and what is committed stays', async () => {
    const { vault, store } = await freshVault();
    const kept = await storeImage(vault, 1, sparseDisk);
    const session = await vault.beginWrite();
    const lost = noise(2 * chunkBytes, 'lost');
    const manifestId = await session.writeDisk({ size: lost.length, chunks: chunksOf(lost) });
    const elsewhere = await openVault({ store, node: 'elsewhere' });
    expect((await readWhole(await elsewhere.openDisk(manifestId))).equals(lost)).toBe(true);
    const again = await openVault({ store, node: 'test' });
    await expect(again.openDisk(manifestId)).rejects.toMatchObject({ code: 'not-found' });
    expect((await readWhole(await again.openDisk(kept))).equals(sparseDisk)).toBe(true);
    await expect(session.commitImage(imageOf(identifierOf(2), manifestId, lost))).rejects.toMatchObject({
      code: 'vault.write-expired',
    });
  });

  test('survives where only the end of the session was cut off', async () => {
    const { vault, store, folder } = await freshVault();
    const session = await vault.beginWrite();
    const intents: { key: string; bytes: Buffer }[] = [];
    for await (const { key } of store.list('intents/')) {
      intents.push({ key, bytes: (await store.get(key)) ?? Buffer.alloc(0) });
    }
    const manifestId = await session.writeDisk({ size: sparseDisk.length, chunks: chunksOf(sparseDisk) });
    await session.commitImage(imageOf(identifierOf(1), manifestId, sparseDisk));
    for (const { key, bytes } of intents) await store.put(key, [bytes]);
    const again = await openVault({ store, node: 'test' });
    expect((await readWhole(await again.openDisk(manifestId))).equals(sparseDisk)).toBe(true);
    expect((await filesBelow(folder)).filter((name) => intents.some(({ key }) => key.endsWith(name)))).toEqual([]);
  });
});

describe('pointers', () => {
  test('the first commit of an image wins; the other gets its pointer', async () => {
    const { vault } = await freshVault();
    const sessions = await Promise.all([vault.beginWrite(), vault.beginWrite()]);
    const pointers = await Promise.all(
      sessions.map(async (session) => {
        const manifestId = await session.writeDisk({ size: sparseDisk.length, chunks: chunksOf(sparseDisk) });
        return session.commitImage(imageOf(identifierOf(1), manifestId, sparseDisk));
      }),
    );
    expect(pointers[0]).toEqual(pointers[1]);
    expect(await vault.listImages()).toEqual([pointers[0]]);
    expect((await readWhole(await vault.openDisk(pointers[0]?.manifestId ?? ''))).equals(sparseDisk)).toBe(true);
  });

  test('are removed once', async () => {
    const { vault } = await freshVault();
    await storeImage(vault, 1, sparseDisk);
    expect(await vault.removeImage(identifierOf(1))).toBe(true);
    expect(await vault.removeImage(identifierOf(1))).toBe(false);
    expect(await vault.image(identifierOf(1))).toBeUndefined();
    expect(await vault.image('../../etc/passwd')).toBeUndefined();
  });

  test('a damaged pointer is an error, not another image', async () => {
    const { vault, folder } = await freshVault();
    await storeImage(vault, 1, sparseDisk);
    const path = join(folder, 'images', identifierOf(1));
    await writeFile(path, (await readFile(path, 'utf8')).replace('"sourceFormat":"raw"', '"sourceFormat":"iso"'));
    await expect(vault.image(identifierOf(1))).rejects.toMatchObject({ code: 'vault.corrupt' });
  });
});

describe('a flipped bit in a stored chunk', () => {
  test('is never returned: another copy serves, else a clear error', async () => {
    const { vault, folder } = await freshVault();
    const disk = noise(chunkBytes, 'flip');
    const manifestId = await storeImage(vault, 1, disk);
    const packs = await readdir(join(folder, 'packs'), { recursive: true, withFileTypes: true });
    const pack = packs.find((entry) => entry.isFile());
    const path = join(pack?.parentPath ?? '', pack?.name ?? '');
    const bytes = await readFile(path);
    bytes[5000] = (bytes[5000] ?? 0) ^ 4;
    await writeFile(path, bytes);
    const opened = await vault.openDisk(manifestId);
    await expect(opened.readChunk(0)).rejects.toMatchObject({ code: 'vault.corrupt' });
    expect(vault.damage.has({ pack: pack?.name ?? '', entry: 0 })).toBe(true);
  });
});
