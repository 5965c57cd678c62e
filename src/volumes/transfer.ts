// Whole disks in and out: the content of one moment as a stream or a file, and a file or stream as a new disk.
import { execFile } from 'node:child_process';
import { open, rm } from 'node:fs/promises';
import { promisify } from 'node:util';
import { type BlockDevice, sectorBytes } from '../block/device.ts';
import { Fault } from '../errors/fault.ts';
import { chunkBytes } from '../vault/stored-disk.ts';
import { readChunk } from './sealed-chunks.ts';
import { ExtentList } from './engines/layers/layer.ts';
import { type HeldLayer } from './engines/layers/layer-store.ts';

export interface ExportedDisk {
  /** Bytes. */
  readonly size: number;
  /** All bytes in order, in pieces of 256 KiB. */
  readonly pieces: AsyncGenerator<Buffer>;
  /** To be called when it was read, or is not wanted any more. */
  close(): Promise<void>;
}

export const exportFormats = ['raw', 'qcow2'] as const;
export type ExportFormat = (typeof exportFormats)[number];

const run = promisify(execFile);
const zeroPiece = Buffer.alloc(chunkBytes);

/** Streams what a layer holds, until it is closed. Pieces that are known to be zeros are one shared buffer. */
export function exportDisk(held: HeldLayer, size: number): ExportedDisk {
  const { layer } = held;
  async function* pieces(): AsyncGenerator<Buffer> {
    for (let index = 0; index * chunkBytes < size; index += 1) {
      const length = Math.min(chunkBytes, size - index * chunkBytes);
      const list = new ExtentList();
      layer.addExtents(index * chunkBytes, length, list);
      const isZero = list.extents.every(({ allocation }) => allocation === 'zero');
      yield isZero ? zeroPiece.subarray(0, length) : await readChunk(layer, index, size);
    }
  }
  let closed: Promise<void> | undefined;
  return {
    size,
    pieces: pieces(),
    close() {
      closed ??= held.release();
      return closed;
    },
  };
}

/** Writes a disk into a new file; qcow2 through `qemu-img`. Throws `volumes.invalid` where that is missing. */
export async function exportToFile(disk: ExportedDisk, path: string, format: ExportFormat): Promise<void> {
  const raw = format === 'raw' ? path : `${path}.raw`;
  try {
    const file = await open(raw, 'wx', 0o600);
    try {
      await file.truncate(disk.size);
      let position = 0;
      for await (const piece of disk.pieces) {
        if (!piece.equals(zeroPiece.subarray(0, piece.length))) await file.write(piece, 0, piece.length, position);
        position += piece.length;
      }
      await file.sync();
    } catch (error) {
      await rm(raw);
      throw error;
    } finally {
      await file.close();
    }
    if (format === 'qcow2') await convert(raw, path);
  } finally {
    await disk.close();
    if (format !== 'raw') await rm(raw, { force: true });
  }
}

/** Pieces of whatever length as pieces of 256 KiB, but for the last. */
async function* inChunks(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let chunk = Buffer.alloc(chunkBytes);
  let filled = 0;
  for await (const piece of pieces) {
    for (let at = 0; at < piece.length;) {
      const taken = Math.min(piece.length - at, chunkBytes - filled);
      chunk.set(piece.subarray(at, at + taken), filled);
      at += taken;
      filled += taken;
      if (filled < chunkBytes) continue;
      yield chunk;
      chunk = Buffer.alloc(chunkBytes);
      filled = 0;
    }
  }
  if (filled > 0) yield chunk.subarray(0, filled);
}

/** Fills a disk of zeros with `size` bytes, neither more nor fewer. Throws `volumes.invalid`. */
export async function fillDisk(
  device: Pick<BlockDevice, 'size' | 'write' | 'flush'>,
  pieces: AsyncIterable<Uint8Array>,
): Promise<void> {
  let position = 0;
  for await (const chunk of inChunks(pieces)) {
    if (position + chunk.length > device.size) throw wrongLength(device.size, 'more');
    const isZero = chunk.equals(zeroPiece.subarray(0, chunk.length));
    if (!isZero && chunk.length % sectorBytes === 0) await device.write(position, chunk);
    position += chunk.length;
  }
  if (position < device.size) throw wrongLength(device.size, `only ${position}`);
  await device.flush();
}

function wrongLength(size: number, found: string): Fault {
  return new Fault('volumes.invalid', `The disk was to have ${size} bytes, and ${found} came.`);
}

async function convert(from: string, to: string): Promise<void> {
  try {
    await run('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', from, to]);
  } catch (error) {
    throw new Fault('volumes.invalid', 'qemu-img could not write the disk as qcow2.', {
      cause: error,
      action: 'Install qemu-img (Debian: qemu-utils), or export as raw.',
    });
  }
}
