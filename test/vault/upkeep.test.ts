// Usage, scrub, pins and eviction.
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { collectGarbage } from '../../src/vault/collect.ts';
import { scrubVault } from '../../src/vault/scrub.ts';
import { chunkBytes } from '../../src/vault/stored-disk.ts';
import { vaultUsage } from '../../src/vault/usage.ts';
import { openVault } from '../../src/vault/vault.ts';
import { chunksOf, freshVault, identifierOf, imageOf, noise, readWhole, sha256Hex, storeImage } from './fresh-vault.ts';

/** Flips one bit of the first chunk of every pack. */
async function damagePacks(folder: string): Promise<void> {
  const entries = await readdir(join(folder, 'packs'), { recursive: true, withFileTypes: true });
  for (const entry of entries.filter((candidate) => candidate.isFile())) {
    const path = join(entry.parentPath, entry.name);
    const bytes = await readFile(path);
    bytes[5000] = (bytes[5000] ?? 0) ^ 4;
    await writeFile(path, bytes);
  }
}

test('usage tells what sharing and zeros save', async () => {
  const { vault } = await freshVault();
  const disk = Buffer.concat([noise(2 * chunkBytes, 'a'), Buffer.alloc(6 * chunkBytes)]);
  await storeImage(vault, 1, disk);
  await storeImage(vault, 2, disk);
  const usage = await vaultUsage(vault);
  expect(usage).toMatchObject({ images: 2, snapshots: 0, diskBytes: 16 * chunkBytes, garbageBytes: 0, liveChunks: 4 });
  expect(usage.ratio).toBeGreaterThan(7);
  await vault.removeImage(identifierOf(1));
  await vault.removeImage(identifierOf(2));
  expect((await vaultUsage(vault)).garbageBytes).toBeGreaterThan(2 * chunkBytes);
});

describe('a scrub', () => {
  test('finds nothing in a sound vault', async () => {
    const { vault } = await freshVault();
    await storeImage(vault, 1, noise(3 * chunkBytes, 'a'));
    expect(await scrubVault(vault)).toMatchObject({ checkedChunks: 5, damaged: [], repaired: [], broken: [] });
  });

  test('names the images that a flipped bit breaks, and no others', async () => {
    const { vault, folder } = await freshVault();
    await storeImage(vault, 1, noise(2 * chunkBytes, 'a'));
    await damagePacks(folder);
    await storeImage(vault, 2, noise(2 * chunkBytes, 'b'));
    const report = await scrubVault(vault);
    expect(report.damaged).toHaveLength(1);
    expect(report.broken).toEqual([identifierOf(1)]);
  });

  test('repairs from another copy', async () => {
    const { store, folder, vault } = await freshVault();
    const other = await openVault({ store, node: 'other' });
    const disk = noise(chunkBytes, 'a');
    // Two writers at once do not rely on each other, so there are two copies.
    const sessions = await Promise.all([vault, other].map((node) => node.beginWrite()));
    for (const [number, session] of sessions.entries()) {
      const manifestId = await session.writeDisk({ size: disk.length, chunks: chunksOf(disk) });
      if (number === 0) await damagePacks(folder);
      await session.commitImage(imageOf(identifierOf(number), manifestId, disk));
    }
    expect(await scrubVault(vault)).toMatchObject({
      damaged: [sha256Hex(disk)],
      repaired: [sha256Hex(disk)],
      broken: [],
    });
  });
});

test('a copy that is known as damaged is neither relied on by a new pull, nor kept by a collection in place of a good one', async () => {
  // Whether the name of the damaged pack comes before that of the good one is chance: several vaults, both cases.
  for (let round = 0; round < 6; round += 1) {
    const { vault, folder } = await freshVault();
    const disk = noise(2 * chunkBytes, `a ${round}`);
    await storeImage(vault, 1, disk);
    await damagePacks(folder);
    expect((await scrubVault(vault)).broken).toEqual([identifierOf(1)]);
    await vault.removeImage(identifierOf(1));
    const manifestId = await storeImage(vault, 1, disk);
    for (let run = 0; run < 3; run += 1) await collectGarbage(vault, { grace: 0 });
    expect((await readWhole(await vault.openDisk(manifestId))).equals(disk)).toBe(true);
    expect((await scrubVault(vault)).broken).toEqual([]);
  }
});
