// Damage that was found is known for good: after a restart, to other processes, to writers, readers and the collection of garbage.
import { describe, expect, test } from 'vitest';
import { collectGarbage } from '../../src/vault/collect.ts';
import { openManifest } from '../../src/vault/disk-reader.ts';
import { isLost, lossOf } from '../../src/vault/lost.ts';
import { type ObjectStore } from '../../src/vault/object-store.ts';
import { chunkKinds } from '../../src/vault/pack.ts';
import { scrubVault } from '../../src/vault/scrub.ts';
import { openDirectoryStore } from '../../src/vault/stores/directory.ts';
import { openS3Store } from '../../src/vault/stores/s3.ts';
import { chunkBytes } from '../../src/vault/stored-disk.ts';
import { openVault } from '../../src/vault/vault.ts';
import { describeWithTools } from '../setup/tools.ts';
import { damageChunks } from './damaged-packs.ts';
import { freshVault, identifierOf, noise, readWhole, sha256Hex, storeImage, temporaryFolder } from './fresh-vault.ts';
import { minioPath, startMinio } from './minio-server.ts';

const disk = noise(3 * chunkBytes, 'damage');
const second = sha256Hex(disk.subarray(chunkBytes, 2 * chunkBytes));
const flipSecond = (sha256: string): boolean => sha256 === second;

async function notes(store: ObjectStore): Promise<number> {
  let count = 0;
  for await (const _ of store.list('damaged/')) count += 1;
  return count;
}

function suite(open: () => Promise<ObjectStore>): void {
  test('that a read met is never returned, and known after a restart and to other processes', async () => {
    const store = await open();
    const vault = await openVault({ store, node: 'one' });
    const beside = await openVault({ store, node: 'two' });
    const manifestId = await storeImage(vault, 1, disk);
    expect(await damageChunks(vault, flipSecond)).toBe(1);
    const opened = await vault.openDisk(manifestId);
    await expect(opened.readChunk(1)).rejects.toMatchObject({ code: 'vault.corrupt', details: { chunk: second } });
    expect((await opened.readChunk(2)).equals(disk.subarray(2 * chunkBytes))).toBe(true);
    expect(await notes(store)).toBe(1);
    await beside.catalog.refresh();
    for (const other of [beside, await openVault({ store, node: 'one' })]) {
      expect((await lossOf(other, manifestId)).chunks).toEqual([{ index: 1, sha256: Buffer.from(second, 'hex') }]);
      // The next image that holds the chunk writes it anew, and so heals the first.
    }
    await storeImage(await openVault({ store, node: 'three' }), 2, disk);
    await vault.catalog.refresh();
    expect((await readWhole(opened)).equals(disk)).toBe(true);
    expect(isLost(await lossOf(vault, manifestId))).toBe(false);
  });

  test('that a scrub found makes a collection after a restart keep the good copy, and its note goes with the pack', async () => {
    // Which pack has the lower name is chance: several rounds, both cases.
    for (let round = 0; round < 3; round += 1) {
      const store = await open();
      const vault = await openVault({ store, node: 'one' });
      await storeImage(vault, 1, disk);
      await damageChunks(vault, () => true);
      expect((await scrubVault(vault)).broken).toEqual([identifierOf(1)]);
      await vault.removeImage(identifierOf(1));
      const again = await openVault({ store, node: 'one' });
      const manifestId = await storeImage(again, 1, disk);
      const third = await openVault({ store, node: 'one' });
      for (let run = 0; run < 3; run += 1) await collectGarbage(third, { grace: 0 });
      expect((await readWhole(await third.openDisk(manifestId))).equals(disk)).toBe(true);
      expect(await notes(store)).toBe(0);
    }
  });
}

describe('damage in a folder', () => {
  suite(async () => openDirectoryStore(await temporaryFolder()));

  test('that is gone when it is read again is forgotten', async () => {
    const { vault, store } = await freshVault();
    await storeImage(vault, 1, disk);
    await damageChunks(vault, flipSecond);
    expect((await scrubVault(vault)).damaged).toEqual([second]);
    await damageChunks(vault, flipSecond);
    expect(await scrubVault(vault)).toMatchObject({ damaged: [], broken: [] });
    expect(await notes(store)).toBe(0);
  });

  test('of the tree is told apart from damage of data', async () => {
    const { vault } = await freshVault();
    const manifestId = await storeImage(vault, 1, disk);
    await damageChunks(vault, (_sha256, kind) => kind === chunkKinds.leaf);
    expect((await scrubVault(vault)).broken).toEqual([identifierOf(1)]);
    const { manifest } = await openManifest(vault.reader, manifestId);
    const leaf = { kind: chunkKinds.leaf, index: 0, sha256: manifest.leaves };
    expect(await lossOf(vault, manifestId)).toEqual({ chunks: [], tree: [leaf] });
  });

  test('does not keep a collection from copying other packs together', async () => {
    const { vault } = await freshVault();
    for (const number of [1, 2, 3]) {
      const kept = noise(chunkBytes, `kept ${number}`);
      await storeImage(vault, number, Buffer.concat([kept, noise(6 * chunkBytes, `lost ${number}`)]));
      await storeImage(vault, 10 + number, kept);
      await vault.removeImage(identifierOf(number));
    }
    const chunk = sha256Hex(noise(chunkBytes, 'kept 1'));
    await damageChunks(vault, (sha256) => sha256 === chunk);
    await scrubVault(vault);
    expect(await collectGarbage(vault, { grace: 0 })).toMatchObject({ rewrittenPacks: 2 });
  });

  test('is found by a scrub that was interrupted and goes on after a restart', async () => {
    const { vault, store } = await freshVault();
    for (let number = 0; number < 6; number += 1) await storeImage(vault, number, noise(chunkBytes, `disk ${number}`));
    await damageChunks(vault, () => true);
    const stop = new AbortController();
    const scrub = scrubVault(vault, { signal: stop.signal, onProgress: ({ packs }) => packs === 3 && stop.abort() });
    await expect(scrub).rejects.toThrow('aborted');
    const seen: number[] = [];
    const report = await scrubVault(await openVault({ store, node: 'test' }), {
      onProgress: ({ packs }) => seen.push(packs),
    });
    expect(seen).toEqual([4, 5, 6]);
    expect(report).toMatchObject({ resumed: true, checkedChunks: 18 });
    expect(report.broken).toHaveLength(6);
    expect(await scrubVault(vault)).toMatchObject({ resumed: false });
  });
});

describeWithTools('damage in MinIO', [minioPath], () => {
  suite(async () => openS3Store((await startMinio()).settings));
});
