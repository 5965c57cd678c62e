// A copy-on-write disk behaves as a plain buffer does, whatever is done to it and however often it is reopened.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chunkBytes } from '../../../../src/vault/stored-disk.ts';
import { machineFiles } from '../../../../src/volumes/files.ts';
import { BaseLayer } from '../../../../src/volumes/engines/layers/base.ts';
import { type CopyOnWriteDevice } from '../../../../src/volumes/engines/layers/copy-on-write.ts';
import { Head } from '../../../../src/volumes/engines/layers/head.ts';
import { type Layer, zeroLayer } from '../../../../src/volumes/engines/layers/layer.ts';
import { memoryDisk, patternBytes } from '../../memory-disk.ts';
import { anyStep, applyToDevice, applyToModel, openDevice, readAll, salt, type Step } from './device.ts';

const sectors = 1400;
const size = sectors * 512;
/** The image is smaller than the disk, and ends within a block. */
const image = patternBytes(size - 3 * 512, 5);

let folder = '';
let count = 0;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mintmark-cow-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function freshPath(name: string): string {
  count += 1;
  return join(folder, `${name}-${count}`);
}

function openBase(): Promise<BaseLayer> {
  const identity = { manifestId: 'ab'.repeat(32), size: image.length, chunkBytes };
  return BaseLayer.open(machineFiles, freshPath('base'), identity, () => Promise.resolve(memoryDisk(image)));
}

async function readsAs(device: CopyOnWriteDevice, model: Buffer, offset: number, length: number): Promise<boolean> {
  const into = Buffer.alloc(length, 0xee);
  await device.read(offset, into);
  return into.equals(model.subarray(offset, offset + length));
}

/** Whether the extents cover the disk, and those that say zero are. */
function extentsFit(device: CopyOnWriteDevice, model: Buffer): boolean {
  let covered = 0;
  for (const { offset, length, allocation } of device.extents(0, size)) {
    if (offset !== covered) return false;
    covered += length;
    if (allocation === 'zero' && model.subarray(offset, covered).some((byte) => byte !== 0)) return false;
  }
  return covered === size;
}

async function behavesAsBuffer(parent: Layer, model: Buffer, steps: readonly Step[]): Promise<boolean> {
  const directory = freshPath('head');
  await Head.create({ files: machineFiles, directory, salt }, size);
  let device = await openDevice(machineFiles, directory, parent, size);
  for (const step of steps) {
    if (step.kind === 'read' && !(await readsAs(device, model, step.offset, step.length))) return false;
    if (step.kind === 'reopen') {
      await device.close();
      device = await openDevice(machineFiles, directory, parent, size);
    }
    await applyToDevice(device, step);
    applyToModel(model, step);
  }
  const same = (await readAll(device)).equals(model) && extentsFit(device, model);
  await device.close();
  return same;
}

const steps = fc.array(anyStep(sectors), { maxLength: 60 });

describe('a copy-on-write disk', () => {
  test('over an image is a buffer', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (plan) => {
        const base = await openBase();
        const model = Buffer.alloc(size);
        image.copy(model);
        expect(await behavesAsBuffer(base, model, plan)).toBe(true);
        await base.close();
      }),
      { numRuns: 40 },
    );
  });

  test('over nothing is a buffer', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (plan) => {
        expect(await behavesAsBuffer(zeroLayer, Buffer.alloc(size), plan)).toBe(true);
      }),
      { numRuns: 40 },
    );
  });
});
