// Whole disks out and in: streams and files hold the content of one moment, whatever is written meanwhile.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Volumes } from '../../src/volumes/volumes.ts';
import { describeWithTools } from '../setup/tools.ts';
import { patternBytes } from './memory-disk.ts';
import { attachedDevice, deviceOf, digest, digestOf, newSite, type Site } from './service.ts';

const image = patternBytes(1024 * 1024 + 1536, 3);
let site: Site;
let volumes: Volumes;

beforeEach(async () => {
  site = newSite({ fauna: image });
  volumes = await site.open();
});
afterEach(async () => {
  await volumes.close();
  site.remove();
});

async function* piecesOf(bytes: Buffer, length: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

/** A machine disk with something written, and what it reads as. */
async function written(): Promise<{ uuid: string; model: Buffer }> {
  const { uuid } = await volumes.create({ kind: 'machine', image: 'fauna' });
  const device = await attachedDevice(volumes, uuid);
  await device.write(4096, Buffer.alloc(5120, 9));
  await device.unmap(524_288, 65_536);
  return { uuid, model: Buffer.from(image).fill(9, 4096, 9216).fill(0, 524_288, 589_824) };
}

describe('exports', () => {
  test('a stream holds one moment, though the disk is written while it is read', async () => {
    const { uuid, model } = await written();
    const device = await attachedDevice(volumes, uuid);
    const exported = await volumes.export(uuid);
    const found: Buffer[] = [];
    for await (const piece of exported.pieces) {
      found.push(Buffer.from(piece));
      await device.write(0, Buffer.alloc(1024 * 1024, found.length));
    }
    await exported.close();
    expect(exported.size).toBe(image.length);
    expect(digest(Buffer.concat(found))).toBe(digest(model));
  });

  test('a snapshot and a static disk are exported too, into a file that must be new', async () => {
    const { uuid, model } = await written();
    const snapshot = await volumes.snapshot(uuid);
    const fixed = await volumes.create({ kind: 'static', image: 'fauna' });
    const path = join(site.folder, 'disk.raw');
    await volumes.exportToFile(snapshot.uuid, path, 'raw');
    expect(digest(readFileSync(path))).toBe(digest(model));
    await expect(volumes.exportToFile(fixed.uuid, path, 'raw')).rejects.toThrow('EEXIST');
    await volumes.exportToFile(fixed.uuid, `${path}2`, 'raw');
    expect(digest(readFileSync(`${path}2`))).toBe(digest(image));
  });
});

describeWithTools('exports as qcow2', ['qemu-img'], () => {
  test('qemu-img finds the same bytes in it', async () => {
    const { uuid, model } = await written();
    const path = join(site.folder, 'disk.qcow2');
    await volumes.exportToFile(uuid, path, 'qcow2');
    execFileSync('qemu-img', ['check', '-q', path]);
    execFileSync('qemu-img', ['convert', '-O', 'raw', path, `${path}.back`]);
    expect(digest(readFileSync(`${path}.back`))).toBe(digest(model));
    expect(existsSync(`${path}.raw`)).toBe(false);
  });
});

describe('imports', () => {
  test('a disk comes in pieces of any length', async () => {
    const { uuid } = await volumes.import({ size: image.length, pieces: piecesOf(image, 70_001), tag: 'in' });
    const { device } = await deviceOf(volumes, uuid);
    expect(await digestOf(device)).toBe(digest(image));
    expect(volumes.show(uuid)).toMatchObject({ kind: 'blank', tag: 'in' });
  });

  test.each([image.length + 512, image.length - 512])('bytes that are not %i leave nothing behind', async (size) => {
    await expect(volumes.import({ size, pieces: piecesOf(image, 65_536) })).rejects.toMatchObject({
      code: 'volumes.invalid',
    });
    expect(volumes.list()).toEqual([]);
    expect(existsSync(join(site.folder, 'volumes'))).toBe(true);
  });
});
