// Volumes against qcow2 overlays of qemu: making clones, reading and writing them, and the space that small writes take.
// Both sides run on the page cache of one machine, in turn, five times; medians. Needs qemu-img.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chunkBytes, type StoredDisk } from '../src/vault/stored-disk.ts';
import { openVolumes } from '../src/volumes/volumes.ts';
import { openMintmark } from './volumes/mintmark.ts';
import { openQcow2 } from './volumes/qcow2.ts';

const rounds = 5;
const mebibyte = 1024 * 1024;

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;

/** An image whose bytes are never zero. */
function imageOf(size: number): StoredDisk {
  return {
    manifestId: size.toString(16).padStart(64, '0'),
    size,
    isZeroChunk: () => false,
    readChunk: (index) =>
      Promise.resolve(Buffer.alloc(Math.min(chunkBytes, size - index * chunkBytes), 1 + (index % 255))),
    close: () => Promise.resolve(),
  };
}

function print(what: string, ours: number, theirs: number, unit: string): void {
  const numbers = [ours, theirs].map((value) => value.toFixed(value < 10 ? 2 : 0).padStart(10)).join('');
  process.stdout.write(`${what.padEnd(44)}${numbers}  ${unit.padEnd(8)} ratio ${(ours / theirs).toFixed(2)}\n`);
}

const folder = mkdtempSync(join(tmpdir(), 'mintmark-bench-volumes-'));
const volumes = await openVolumes({
  dataDir: join(folder, 'mintmark'),
  images: { open: (size) => Promise.resolve(imageOf(Number(size))) },
  now: () => new Date(),
  randomness: (bytes) => Buffer.from(crypto.getRandomValues(new Uint8Array(bytes))),
  iqnPrefix: 'iqn.2026-01.org.example',
});
try {
  process.stdout.write(`${''.padEnd(44)}  mintmark     qcow2\n`);
  for (const size of [64 * mebibyte, 16 * 1024 * mebibyte]) {
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const begun = performance.now();
      await volumes.create({ kind: 'machine', image: String(size) });
      ours.push(performance.now() - begun);
      theirs.push(await openQcow2(folder, size, round).then((overlay) => overlay.milliseconds));
    }
    print(`clone of an image of ${size / mebibyte} MiB`, median(ours), median(theirs), 'ms');
  }
  const size = 256 * mebibyte;
  const results = new Map<string, { ours: number[]; theirs: number[]; unit: string }>();
  const note = (what: string, unit: string, ours: number, theirs: number): void => {
    const entry = results.get(what) ?? { ours: [], theirs: [], unit };
    entry.ours.push(ours);
    entry.theirs.push(theirs);
    results.set(what, entry);
  };
  for (let round = 0; round < rounds; round += 1) {
    const ours = await openMintmark(volumes, size, join(folder, 'mintmark'));
    const theirs = await openQcow2(folder, size, round);
    note('read 4 KiB of the image, resident', 'IOPS', await ours.read(4096), await theirs.read(4096));
    note('read 64 KiB of the image, resident', 'IOPS', await ours.read(65_536), await theirs.read(65_536));
    note(
      'first write 4 KiB, one per 64 KiB, flush',
      'IOPS',
      await ours.write(4096, 65_536),
      await theirs.write(4096, 65_536),
    );
    const written = (size / 65_536) * 4096;
    note('space taken per byte written so', 'times', ours.spaceBytes() / written, theirs.spaceBytes() / written);
    note(
      'overwrite 4 KiB, one per 64 KiB, flush',
      'IOPS',
      await ours.write(4096, 65_536),
      await theirs.write(4096, 65_536),
    );
    note('read 4 KiB of what was written', 'IOPS', await ours.read(4096), await theirs.read(4096));
    await ours.close();
    const fresh = await openMintmark(volumes, size, join(folder, 'mintmark'));
    const overlay = await openQcow2(folder, size, round);
    note(
      'first write 64 KiB, in order, flush',
      'IOPS',
      await fresh.write(65_536, 65_536),
      await overlay.write(65_536, 65_536),
    );
    note(
      'overwrite 64 KiB, in order, flush',
      'IOPS',
      await fresh.write(65_536, 65_536),
      await overlay.write(65_536, 65_536),
    );
    await fresh.close();
  }
  for (const [what, { ours, theirs, unit }] of results) print(what, median(ours), median(theirs), unit);
} finally {
  await volumes.close();
  rmSync(folder, { recursive: true });
}
