// A copy-on-write disk behaves as a plain buffer does, whatever is done to it and however often it is reopened.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { machineFiles } from '../../../../src/volumes/files.ts';
import { BaseLayer } from '../../../../src/volumes/engines/layers/base.ts';
import { Head } from '../../../../src/volumes/engines/layers/head.ts';
import { zeroLayer } from '../../../../src/volumes/engines/layers/layer.ts';
import { chunkBytes } from '../../../../src/vault/stored-disk.ts';
import { memoryDisk, patternBytes } from '../../memory-disk.ts';
import { dataOf, openDevice, readAll, salt, type Step } from './device.ts';

const sectors = 1400;
const size = sectors * 512;

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

const run = fc.record({ at: fc.nat(sectors - 1), sectors: fc.integer({ min: 1, max: 60 }) });
const span = fc.oneof(
  run,
  run.map(({ at, sectors: length }) => ({ at: at - (at % 8), sectors: Math.ceil(length / 8) * 8 })),
);

function placed({ at, sectors: length }: { at: number; sectors: number }): { offset: number; length: number } {
  return { offset: at * 512, length: Math.min(length, sectors - at) * 512 };
}

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(span, fc.integer({ min: 1 })).map(([at, fill]) => ({ kind: 'write', ...placed(at), fill })),
  },
  { weight: 2, arbitrary: span.map((at) => ({ kind: 'unmap', ...placed(at) })) },
  { weight: 1, arbitrary: span.map((at) => ({ kind: 'zero', ...placed(at) })) },
  { weight: 3, arbitrary: span.map((at) => ({ kind: 'read', ...placed(at) })) },
  { weight: 1, arbitrary: fc.constantFrom<Step>({ kind: 'flush' }, { kind: 'checkpoint' }, { kind: 'reopen' }) },
);

describe('a copy-on-write disk', () => {
  test.each(['an image', 'nothing'])('over %s is a buffer', async (below) => {
    const image = patternBytes(size - 3 * 512, 5);
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const directory = freshPath('head');
        const base =
          below === 'nothing'
            ? undefined
            : await BaseLayer.open(
                machineFiles,
                freshPath('base'),
                { manifestId: 'ab'.repeat(32), size: image.length, chunkBytes },
                () => Promise.resolve(memoryDisk(image)),
              );
        const parent = base ?? zeroLayer;
        await Head.create({ files: machineFiles, directory, salt }, size);
        let device = await openDevice(machineFiles, directory, parent, size);
        const model = Buffer.alloc(size);
        if (base !== undefined) image.copy(model);
        for (const next of steps) {
          switch (next.kind) {
            case 'write':
              await device.write(next.offset, dataOf(next));
              dataOf(next).copy(model, next.offset);
              break;
            case 'unmap':
              await device.unmap(next.offset, next.length);
              model.fill(0, next.offset, next.offset + next.length);
              break;
            case 'zero':
              await device.writeZeroes(next.offset, next.length);
              model.fill(0, next.offset, next.offset + next.length);
              break;
            case 'read': {
              const into = Buffer.alloc(next.length, 0xee);
              await device.read(next.offset, into);
              expect(into.equals(model.subarray(next.offset, next.offset + next.length))).toBe(true);
              break;
            }
            case 'flush':
              await device.flush();
              break;
            case 'checkpoint':
              await device.top.head.checkpoint();
              break;
            case 'reopen':
              await device.close();
              device = await openDevice(machineFiles, directory, parent, size);
              break;
          }
        }
        expect((await readAll(device)).equals(model)).toBe(true);
        let covered = 0;
        for (const extent of device.extents(0, size)) {
          expect(extent.offset).toBe(covered);
          covered += extent.length;
          if (extent.allocation === 'zero') {
            expect(model.subarray(extent.offset, covered).every((byte) => byte === 0)).toBe(true);
          }
        }
        expect(covered).toBe(size);
        await device.close();
        await base?.close();
      }),
      { numRuns: 40 },
    );
  });
});
