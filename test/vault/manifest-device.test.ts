// A disk served straight from the vault: the right bytes for any read, each chunk fetched once, memory bounded.
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Fault } from '../../src/errors/fault.ts';
import { createChunkCache } from '../../src/vault/chunk-cache.ts';
import { readLeases } from '../../src/vault/leases.ts';
import { openManifestDevice } from '../../src/vault/manifest-device.ts';
import { type ObjectStore } from '../../src/vault/object-store.ts';
import { createReadAhead } from '../../src/vault/read-ahead.ts';
import { openS3Store } from '../../src/vault/stores/s3.ts';
import { chunkBytes } from '../../src/vault/stored-disk.ts';
import { openVault } from '../../src/vault/vault.ts';
import { serveFile } from '../iscsi/serve.ts';
import { describeWithTools } from '../setup/tools.ts';
import { withinTime } from '../setup/within-time.ts';
import { damageChunks } from './damaged-packs.ts';
import { freshVault, identifierOf, noise, sha256Hex, storeImage, temporaryFolder } from './fresh-vault.ts';
import { minioPath, startMinio } from './minio-server.ts';

const run = promisify(execFile);
const disk = Buffer.concat([
  noise(5 * chunkBytes, 'a'),
  Buffer.alloc(3 * chunkBytes),
  noise(3 * chunkBytes + 1536, 'b'),
]);

/** The store, and how often each pack was read from. */
function counted(store: ObjectStore): { readonly store: ObjectStore; readonly reads: string[] } {
  const reads: string[] = [];
  const get: ObjectStore['get'] = (key, range) => {
    if (key.startsWith('packs/')) reads.push(`${key} ${range?.offset ?? ''}`);
    return store.get(key, range);
  };
  return { store: { ...store, get }, reads };
}

describe('a disk of the vault as a device', () => {
  test('reads as the disk does, wherever and however much is read', async () => {
    const { vault, store } = await freshVault();
    const id = await storeImage(vault, 1, disk);
    const other = await openVault({ store, node: 'other', cacheBytes: 4 * chunkBytes });
    const device = openManifestDevice(await other.openDisk(id));
    expect(device.size).toBe(disk.length);
    const sectors = disk.length / 512;
    await fc.assert(
      fc.asyncProperty(
        fc.nat(sectors - 1),
        fc.integer({ min: 1, max: 3000 }),
        withinTime(2000, async (first, count) => {
          const length = Math.min(count, sectors - first) * 512;
          const into = Buffer.alloc(length, 1);
          await device.read(first * 512, into);
          return into.equals(disk.subarray(first * 512, first * 512 + length));
        }),
      ),
      { numRuns: 500 },
    );
    expect(await device.extents(0, disk.length)).toEqual([
      { offset: 0, length: 5 * chunkBytes, allocation: 'data' },
      { offset: 5 * chunkBytes, length: 3 * chunkBytes, allocation: 'zero' },
      { offset: 8 * chunkBytes, length: 3 * chunkBytes + 1536, allocation: 'data' },
    ]);
    expect(() => device.write(0, Buffer.alloc(512))).toThrow('never changes');
    await device.close();
    expect(other.openDisks.size).toBe(0);
  });

  test('fetches each chunk once, however many read it at once, and not again while it is in memory', async () => {
    const { vault, store } = await freshVault();
    const id = await storeImage(vault, 1, disk);
    const { store: told, reads } = counted(store);
    const other = await openVault({ store: told, node: 'other' });
    const devices = [openManifestDevice(await other.openDisk(id)), openManifestDevice(await other.openDisk(id))];
    reads.length = 0;
    const readSome = async (number: number): Promise<void> => devices[number % 2]?.read(8192, Buffer.alloc(4096));
    await Promise.all(Array.from({ length: 50 }, (_, number) => readSome(number)));
    expect(new Set(reads).size).toBe(reads.length);
    const resident = Buffer.alloc(4096);
    expect(devices[1]?.read(4096, resident)).toBeUndefined();
    expect(resident.equals(disk.subarray(4096, 8192))).toBe(true);
    expect(new Set(reads).size).toBe(reads.length);
  });

  test('read from front to back finds the next chunks in memory', async () => {
    const { vault, store } = await freshVault();
    const id = await storeImage(vault, 1, disk);
    const other = await openVault({ store, node: 'other' });
    const device = openManifestDevice(await other.openDisk(id));
    const into = Buffer.alloc(chunkBytes);
    for (const index of [0, 1]) await device.read(index * chunkBytes, into);
    await expect.poll(() => device.read(3 * chunkBytes, into)).toBeUndefined();
    expect(into.equals(disk.subarray(3 * chunkBytes, 4 * chunkBytes))).toBe(true);
  });

  test('read ahead, chunks that lie one behind another come by one request, each proven by itself', async () => {
    const { vault, store } = await freshVault();
    const long = noise(40 * chunkBytes, 'long');
    const id = await storeImage(vault, 1, long);
    const damaged = sha256Hex(long.subarray(20 * chunkBytes, 21 * chunkBytes));
    await damageChunks(vault, (sha256) => sha256 === damaged);
    const { store: told, reads } = counted(store);
    const other = await openVault({ store: told, node: 'other' });
    const device = openManifestDevice(await other.openDisk(id));
    reads.length = 0;
    const into = Buffer.alloc(chunkBytes);
    const failed: unknown[] = [];
    for (let index = 0; index < 40; index += 1) {
      try {
        await device.read(index * chunkBytes, into);
      } catch (error) {
        failed.push([index, error instanceof Fault ? error.code : error]);
        continue;
      }
      expect(into.equals(long.subarray(index * chunkBytes, (index + 1) * chunkBytes))).toBe(true);
    }
    expect(failed).toEqual([[20, 'vault.corrupt']]);
    // The leaf, a few chunks until the reader is known, the runs, and what is read again of the damaged one.
    expect(reads.length).toBeLessThan(25);
    expect(other.catalog.index.hasDamage).toBe(true);
  });

  test('never hands out a damaged chunk', async () => {
    const { vault, store } = await freshVault();
    const id = await storeImage(vault, 1, disk);
    const chunk = sha256Hex(disk.subarray(0, chunkBytes));
    await damageChunks(vault, (sha256) => sha256 === chunk);
    const device = openManifestDevice(await (await openVault({ store, node: 'other' })).openDisk(id));
    const into = Buffer.alloc(512);
    await expect(device.read(0, into)).rejects.toMatchObject({ code: 'vault.corrupt' });
    expect(into.every((byte) => byte === 0)).toBe(true);
  });
});

const hash = (number: number): Buffer => Buffer.alloc(32, number);

describe('the memory of chunks', () => {
  test('keeps those that were used last, up to its bound', async () => {
    let reads = 0;
    const read = async (sha256: Buffer): Promise<Buffer> => {
      reads += 1;
      return Buffer.alloc(100, sha256[0] ?? 0);
    };
    const cache = createChunkCache({ read, readAll: (hashes) => hashes.map(read) }, 250);
    for (const number of [1, 2, 1, 3]) await cache.read(hash(number));
    expect([1, 2, 3].map((number) => cache.peek(hash(number)) !== undefined)).toEqual([true, false, true]);
    expect(reads).toBe(3);
    // What is there, or on its way, is not brought again; what was brought ahead is there.
    cache.readAhead([3, 4, 4].map(hash));
    expect((await cache.read(hash(4)))[0]).toBe(4);
    expect(reads).toBe(4);
  });

  test('does not remember failures', async () => {
    let turn = 0;
    const read = async (): Promise<Buffer> => {
      turn += 1;
      if (turn === 1) throw new Error('not now');
      return Buffer.alloc(1);
    };
    const cache = createChunkCache({ read, readAll: () => [] }, 100);
    await expect(cache.read(Buffer.alloc(32))).rejects.toThrow('not now');
    expect((await cache.read(Buffer.alloc(32))).length).toBe(1);
  });
});

test('read-ahead follows several readers, brings nothing twice and nothing for who jumps about', () => {
  const brought: number[] = [];
  let turns = 0;
  const ahead = createReadAhead(1000, 8, (first, last) => {
    turns += 1;
    for (let index = first; index <= last; index += 1) brought.push(index);
  });
  for (const index of [500, 10, 900, 40, 333]) ahead.touch(index);
  expect(brought).toEqual([]);
  for (let step = 1; step <= 20; step += 1) {
    ahead.touch(10 + step);
    ahead.touch(500 + step);
  }
  expect(new Set(brought).size).toBe(brought.length);
  for (const start of [10, 500]) {
    const mine = brought.filter((index) => Math.abs(index - start) < 100).toSorted((one, two) => one - two);
    // Without a gap, four to eight ahead.
    expect(mine).toEqual(Array.from(mine, (_, number) => start + 2 + number));
    expect((mine.at(-1) ?? 0) - (start + 20)).toBeGreaterThanOrEqual(4);
    expect((mine.at(-1) ?? 0) - (start + 20)).toBeLessThanOrEqual(8);
  }
  expect(turns).toBeLessThanOrEqual(2 * 7);
  for (let index = 990; index < 1000; index += 1) ahead.touch(index);
  expect(Math.max(...brought)).toBe(999);
});

describeWithTools('an image in the vault of another process', ['qemu-img', 'iscsi-ls'], () => {
  test('is read bit for bit over iSCSI by "mintmark iscsi serve VAULT --image", and leased as long', async () => {
    const { vault, folder, store } = await freshVault();
    const manifestId = await storeImage(vault, 1, disk);
    const out = await temporaryFolder();
    await writeFile(join(out, 'expected'), disk);
    const served = await serveFile(folder, ['--image', identifierOf(1)]);
    try {
      expect((await readLeases(store)).map((lease) => lease.manifestId)).toEqual([manifestId]);
      const compare = ['compare', '-f', 'raw', '-F', 'raw', String(served.urls[0]), join(out, 'expected')];
      expect((await run('qemu-img', compare)).stdout).toContain('identical');
    } finally {
      expect(await served.stop()).toBe(0);
    }
    expect(await readLeases(store)).toEqual([]);
  });
});

describeWithTools('a disk in MinIO', [minioPath], () => {
  test('is served by a node that has copied nothing', async () => {
    const { settings } = await startMinio();
    const vault = await openVault({ store: await openS3Store(settings), node: 'one' });
    const id = await storeImage(vault, 1, disk);
    const other = await openVault({ store: await openS3Store(settings), node: 'two' });
    const device = openManifestDevice(await other.openDisk(id));
    const whole = Buffer.alloc(disk.length);
    for (let at = 0; at < disk.length; at += 100 * 512)
      await device.read(at, whole.subarray(at, Math.min(disk.length, at + 100 * 512)));
    expect(whole.equals(disk)).toBe(true);
  });
});
