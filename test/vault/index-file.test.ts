// The file of indexes saves reading them again, and is never believed where it is damaged.
import { readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { collectGarbage } from '../../src/vault/collect.ts';
import { decodeIndexFile, encodeIndexRecord, indexFileHeader, indexFileRecord } from '../../src/vault/index-file.ts';
import { type ObjectStore } from '../../src/vault/object-store.ts';
import { chunkBytes } from '../../src/vault/stored-disk.ts';
import { openVault } from '../../src/vault/vault.ts';
import { freshVault, identifierOf, noise, readWhole, sha256Hex, storeImage, temporaryFolder } from './fresh-vault.ts';

const name = '000102030405060708090a0b00000007';
const index = Buffer.alloc(96, 7);
const header = indexFileHeader.encode({ magic: 'MMINDEX\n', version: 1, reserved: 0 });
const file = Buffer.concat([header, encodeIndexRecord(name, { bytes: 1234, index })]);

test('is, byte for byte, what docs/vault-format.md says', async () => {
  expect(file.subarray(0, 48).toString('hex')).toBe(
    `4d4d494e4445580a0100000000000000${name}d2040000000000000200000000000000`,
  );
  expect(file.subarray(48, 80).toString('hex')).toBe(sha256Hex(Buffer.concat([file.subarray(16, 48), index])));
  expect(file.subarray(80).equals(index)).toBe(true);
  const page = await readFile('docs/vault-format.md', 'utf8');
  const rows = [...indexFileHeader.fields, ...indexFileRecord.fields].map(
    ({ name: field, at, bytes }) => new RegExp(`\\| ${at} +\\| ${bytes} +\\| ${field} `, 'u'),
  );
  for (const row of rows) expect(page).toMatch(row);
});

test('of any bytes, or with any byte changed, gives what is sound in front and nothing else', () => {
  fc.assert(
    fc.property(fc.nat(file.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const copy = Buffer.from(file);
      copy[at] = (copy[at] ?? 0) ^ flip;
      return decodeIndexFile(copy).packs.size === 0;
    }),
    { numRuns: 300 },
  );
  fc.assert(fc.property(fc.uint8Array(), (bytes) => decodeIndexFile(Buffer.from(bytes)).packs.size === 0));
  expect(decodeIndexFile(Buffer.concat([file, Buffer.from('half a record')]))).toMatchObject({
    soundBytes: file.length,
  });
  expect(decodeIndexFile(file).packs.get(name)).toEqual({ bytes: 1234, index });
});

/** The store, and how many reads of packs there were. */
function counted(store: ObjectStore): { readonly store: ObjectStore; reads: number } {
  const told = {
    reads: 0,
    store: {
      ...store,
      get: (...args: Parameters<ObjectStore['get']>) => {
        if (args[0].startsWith('packs/')) told.reads += 1;
        return store.get(...args);
      },
    },
  };
  return told;
}

test('spares a start the reading of packs that an earlier one has read; what is cut off or damaged is read again', async () => {
  const { vault, store } = await freshVault();
  const indexFile = join(await temporaryFolder(), 'vault-index');
  const disk = noise(chunkBytes, 'kept');
  await storeImage(vault, 1, disk);
  await storeImage(vault, 2, noise(chunkBytes, 'goes'));
  const told = counted(store);
  const readsOfOpening = async (): Promise<number> => {
    const before = told.reads;
    await openVault({ store: told.store, node: 'other', indexFile });
    return told.reads - before;
  };
  expect([await readsOfOpening(), await readsOfOpening()]).toEqual([2, 0]);
  await storeImage(vault, 3, noise(chunkBytes, 'new'));
  expect([await readsOfOpening(), await readsOfOpening()]).toEqual([1, 0]);
  await truncate(indexFile, (await readFile(indexFile)).length - 5);
  expect([await readsOfOpening(), await readsOfOpening()]).toEqual([1, 0]);
  await writeFile(indexFile, 'no index at all');
  expect([await readsOfOpening(), await readsOfOpening()]).toEqual([3, 0]);
  await vault.removeImage(identifierOf(2));
  for (let run = 0; run < 2; run += 1) await collectGarbage(vault, { grace: 0 });
  const again = await openVault({ store: told.store, node: 'other', indexFile });
  expect([...again.catalog.index.packs()]).toHaveLength(2);
  const pointer = await again.image(identifierOf(1));
  expect((await readWhole(await again.openDisk(pointer?.manifestId ?? ''))).equals(disk)).toBe(true);
});

test('that cannot be written is done without', async () => {
  const { vault, store } = await freshVault();
  const manifestId = await storeImage(vault, 1, noise(chunkBytes, 'a'));
  const other = await openVault({ store, node: 'other', indexFile: '/dev/null/none' });
  expect((await readWhole(await other.openDisk(manifestId))).length).toBe(chunkBytes);
});
