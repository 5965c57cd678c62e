// A base layer: fetched once, recorded when safe, checked when first touched, and never wrong.
import { mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chunkBytes, type StoredDisk } from '../../../../src/vault/stored-disk.ts';
import { machineFiles } from '../../../../src/volumes/files.ts';
import { BaseLayer } from '../../../../src/volumes/engines/layers/base.ts';
import { ExtentList } from '../../../../src/volumes/engines/layers/layer.ts';
import { StaticDevice } from '../../../../src/volumes/engines/layers/static-device.ts';
import { diceOf, FragileFiles } from '../../fragile-files.ts';
import { memoryDisk, patternBytes } from '../../memory-disk.ts';
import { digest, digestOf } from '../../service.ts';

const image = patternBytes(5 * chunkBytes + 1024, 9);
const identity = { manifestId: 'ef'.repeat(32), size: image.length, chunkBytes };

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mintmark-base-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function deviceOf(base: BaseLayer): StaticDevice {
  return new StaticDevice(base, image.length, () => base.close());
}

function nobody(): Promise<StoredDisk> {
  return Promise.reject(new Error('the vault is away'));
}

describe('a base layer', () => {
  test('fetches each chunk once, however many read it at once, and asks nobody after a restart', async () => {
    const disk = memoryDisk(image);
    const directory = join(folder, 'once');
    const device = deviceOf(await BaseLayer.open(machineFiles, directory, identity, () => Promise.resolve(disk)));
    const digests = await Promise.all([1, 2, 3, 4].map(() => digestOf(device)));
    expect(new Set(digests)).toEqual(new Set([digest(image)]));
    expect([...disk.reads.values()]).toEqual([1, 1, 1, 1]);
    await device.close();
    const again = deviceOf(await BaseLayer.open(machineFiles, directory, identity, nobody));
    expect(await digestOf(again)).toBe(digest(image));
    expect(again.read(0, Buffer.alloc(4096))).toBeUndefined();
    await again.close();
  });

  test('reports what is not there yet as data, and zero chunks as zero once it knows them', async () => {
    const directory = join(folder, 'extents');
    const base = await BaseLayer.open(machineFiles, directory, identity, () => Promise.resolve(memoryDisk(image)));
    const extents = (): readonly { offset: number; length: number; allocation: string }[] => {
      const list = new ExtentList();
      base.addExtents(0, image.length + 512, list);
      return list.extents;
    };
    expect(extents()).toEqual([
      { offset: 0, length: image.length, allocation: 'data' },
      { offset: image.length, length: 512, allocation: 'zero' },
    ]);
    await base.fetch(0, image.length);
    expect(extents()[1]).toEqual({ offset: 2 * chunkBytes, length: chunkBytes, allocation: 'zero' });
    await base.close();
  });

  test('a chunk that rotted on the disk is fetched again', async () => {
    const disk = memoryDisk(image);
    const directory = join(folder, 'rot');
    const first = deviceOf(await BaseLayer.open(machineFiles, directory, identity, () => Promise.resolve(disk)));
    await digestOf(first);
    await first.close();
    writeSync(openSync(join(directory, 'data'), 'r+'), Buffer.from([1, 2, 3]), 0, 3, chunkBytes + 77);
    const base = await BaseLayer.open(machineFiles, directory, identity, () => Promise.resolve(disk));
    expect(await digestOf(deviceOf(base))).toBe(digest(image));
    expect(base.statistics).toEqual({ fetched: 1, damaged: 1, unnoted: 0 });
    await base.close();
  });

  test('a fetch that fails is tried again by the next read', async () => {
    const disk = memoryDisk(image);
    let failures = 1;
    const shaky: StoredDisk = {
      ...disk,
      readChunk: (index) => {
        failures -= 1;
        return failures >= 0 ? Promise.reject(new Error('the vault is away')) : disk.readChunk(index);
      },
    };
    const directory = join(folder, 'shaky');
    const device = deviceOf(await BaseLayer.open(machineFiles, directory, identity, () => Promise.resolve(shaky)));
    await expect(Promise.resolve(device.read(0, Buffer.alloc(512)))).rejects.toThrow('away');
    expect(await digestOf(device)).toBe(digest(image));
    await device.close();
  });

  test('a power cut at any moment costs fetches, never wrong bytes', async () => {
    const reads = fc.array(fc.nat(image.length / 512 - 1), { minLength: 1, maxLength: 12 });
    const cuts = fc.array(fc.record({ reads, stopAfter: fc.integer({ min: 5, max: 40 }) }), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1 }), cuts, async (seed, plan) => {
        let files = new FragileFiles(diceOf(seed));
        for (const { reads: sectors, stopAfter } of plan) {
          files = files.afterPowerCut(stopAfter);
          try {
            const base = await BaseLayer.open(files, '/base', identity, () => Promise.resolve(memoryDisk(image)));
            const device = deviceOf(base);
            for (const sector of sectors) await device.read(sector * 512, Buffer.alloc(512));
          } catch {
            // The power is gone.
          }
        }
        const source = (): Promise<StoredDisk> => Promise.resolve(memoryDisk(image));
        const base = await BaseLayer.open(files.afterPowerCut(), '/base', identity, source);
        expect(await digestOf(deviceOf(base))).toBe(digest(image));
        expect(base.statistics.damaged).toBe(0);
      }),
      { numRuns: 60 },
    );
  });
});
