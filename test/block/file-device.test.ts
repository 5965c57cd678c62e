// The raw file as a disk, and the devices that wrap one.
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openFileDevice } from '../../src/block/file-device.ts';
import { readOnly } from '../../src/block/read-only.ts';
import { counted } from '../../src/block/statistics.ts';

let folder: string;
let serial = 0;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mintmark-block-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function newFile(content: Buffer): string {
  serial += 1;
  const path = join(folder, `${serial}.raw`);
  writeFileSync(path, content);
  return path;
}

describe('a file as a disk', () => {
  test('reads as the model does after any writes and unmaps', async () => {
    const blocks = 64;
    const size = blocks * 512;
    const operation = fc.record({
      kind: fc.constantFrom('write', 'unmap', 'writeZeroes'),
      at: fc.nat(blocks - 1),
      count: fc.integer({ min: 1, max: 24 }),
      fill: fc.integer({ min: 1, max: 255 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 20 }), async (operations) => {
        const device = openFileDevice(newFile(Buffer.alloc(size, 0xee)));
        const model = Buffer.alloc(size, 0xee);
        for (const { kind, at, count, fill } of operations) {
          const offset = at * 512;
          const length = Math.min(count, blocks - at) * 512;
          if (kind === 'write') await device.write(offset, Buffer.alloc(length, fill));
          else if (kind === 'unmap') await device.unmap(offset, length);
          else await device.writeZeroes(offset, length);
          model.fill(kind === 'write' ? fill : 0, offset, offset + length);
        }
        const found = Buffer.alloc(size);
        await device.read(0, found);
        expect(found.equals(model)).toBe(true);
        const extents = await device.extents(0, size);
        expect(extents.reduce((end, each) => (each.offset === end ? end + each.length : -1), 0)).toBe(size);
        const zeroRuns = extents.filter(({ allocation }) => allocation === 'zero');
        const zeros = zeroRuns.map(({ offset, length }) => model.subarray(offset, offset + length));
        expect(Buffer.concat(zeros).every((byte) => byte === 0)).toBe(true);
        await device.close();
      }),
      { numRuns: 40 },
    );
  });

  test('gives back the space of a run that reaches the end', async () => {
    const path = newFile(Buffer.alloc(1024 * 1024, 1));
    const device = openFileDevice(path);
    await device.unmap(0, device.size);
    expect(statSync(path)).toMatchObject({ size: 1024 * 1024, blocks: 0 });
    expect(await device.extents(0, device.size)).toEqual([{ offset: 0, length: device.size, allocation: 'zero' }]);
    await device.close();
  });

  test('a last sector that is not full reads as padded with zeros', async () => {
    const path = newFile(Buffer.alloc(700, 5));
    const fixed = openFileDevice(path, { readOnly: true });
    const found = Buffer.alloc(1024, 9);
    await fixed.read(0, found);
    expect(fixed.size).toBe(1024);
    expect(found.equals(Buffer.concat([Buffer.alloc(700, 5), Buffer.alloc(324)]))).toBe(true);
    await fixed.close();
    const writable = openFileDevice(path);
    await writable.write(512, Buffer.alloc(512, 6));
    await writable.flush();
    await writable.close();
    expect(readFileSync(path).length).toBe(1024);
  });

  test.each([
    ['empty', () => newFile(Buffer.alloc(0))],
    ['missing', () => join(folder, 'nothing')],
    ['a folder', () => folder],
  ])('a file that is %s is refused with the reason', (_what, path) => {
    expect(() => openFileDevice(path())).toThrow(expect.objectContaining({ code: 'block.file' }));
  });
});

test('a read-only device refuses to write', async () => {
  const device = readOnly(openFileDevice(newFile(Buffer.alloc(512, 3))));
  const into = Buffer.alloc(512);
  await device.read(0, into);
  expect(into[0]).toBe(3);
  for (const write of [() => device.write(0, into), () => device.unmap(0, 512), () => device.writeZeroes(0, 512)]) {
    expect(write).toThrow(expect.objectContaining({ code: 'block.read-only' }));
  }
  await device.close();
});

test('a counted device counts', async () => {
  const device = counted(openFileDevice(newFile(Buffer.alloc(4096, 3))));
  await device.read(0, Buffer.alloc(1024));
  await device.write(512, Buffer.alloc(512));
  await device.unmap(0, 2048);
  await device.flush();
  expect(device.statistics).toEqual({
    reads: 1,
    readBytes: 1024,
    writes: 1,
    writtenBytes: 512,
    flushes: 1,
    unmaps: 1,
    unmappedBytes: 2048,
  });
  await device.close();
});
