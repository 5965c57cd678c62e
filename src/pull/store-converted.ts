// Formats other than raw: the proven file lies on disk, is looked at for what would be dangerous, and only then converted.
import { open, rm, type FileHandle } from 'node:fs/promises';
import { Fault } from '../errors/fault.ts';
import { type WriteSession } from '../vault/write-session.ts';
import { paddedSize } from './served-image.ts';
import { convertToRaw } from './convert.ts';
import { inspectImage, type ConvertedFormat } from './formats/inspect.ts';
import { unsafe, type ImageFile } from './formats/inspection.ts';
import { type HashPool } from './hash-pool.ts';
import { type PullLimits } from './limits.ts';
import { type ProgressMeter } from './progress.ts';
import { type ProvenStream } from './proven-stream.ts';

export interface ConversionParts {
  /**
   * Path of the decompressed file; the raw disk gets the same with `.raw` at its end. Both are removed. No earlier pull used it: where the server was
   * killed, qemu-img may still be writing to that of the last one.
   */
  readonly path: string;
  readonly limits: PullLimits;
  readonly signal: AbortSignal;
  readonly meter: ProgressMeter;
  readonly pool: HashPool;
}

const pieceBytes = 1024 * 1024;

/** Writes the pieces to a file; ends without an error only where they are proven. */
async function stage(proven: ProvenStream, path: string): Promise<void> {
  const handle = await open(path, 'w');
  try {
    for await (const piece of proven.pieces) {
      for (let done = 0; done < piece.length;) {
        done += (await handle.write(piece, done, piece.length - done, null)).bytesWritten;
      }
    }
  } finally {
    await handle.close();
  }
}

function imageFile(handle: FileHandle, bytes: number): ImageFile {
  return {
    bytes,
    async read(offset, length) {
      const into = Buffer.alloc(length);
      const { bytesRead } = await handle.read(into, 0, length, offset);
      return into.subarray(0, bytesRead);
    },
  };
}

async function* piecesOf(handle: FileHandle): AsyncGenerator<Buffer> {
  for (let at = 0; ;) {
    const piece = Buffer.allocUnsafe(pieceBytes);
    const { bytesRead } = await handle.read(piece, 0, pieceBytes, at);
    if (bytesRead === 0) return;
    at += bytesRead;
    yield piece.subarray(0, bytesRead);
  }
}

async function withFile<T>(path: string, use: (handle: FileHandle, bytes: number) => Promise<T>): Promise<T> {
  const handle = await open(path, 'r');
  try {
    return await use(handle, (await handle.stat()).size);
  } finally {
    await handle.close();
  }
}

/** Throws `pull.unsafe`, `pull.tool-missing`, `pull.no-room`, or what the proven stream throws. */
export async function storeConverted(
  session: WriteSession,
  proven: ProvenStream,
  format: ConvertedFormat,
  { path, limits, signal, meter, pool }: ConversionParts,
): Promise<{ manifestId: string; size: number; contentBytes: number; diskSha256: string }> {
  const rawPath = `${path}.raw`;
  try {
    await stage(proven, path);
    const { diskBytes } = await withFile(path, (handle, bytes) => inspectImage(imageFile(handle, bytes), format));
    if (diskBytes > limits.diskBytes)
      throw unsafe(`its disk is of ${diskBytes} bytes, and ${limits.diskBytes} are allowed`);
    meter.update({ phase: 'converting' });
    await convertToRaw({ from: path, format, to: rawPath, time: limits.conversionTime, signal });
    return await withFile(rawPath, async (handle, contentBytes) => {
      // vhd rounds its disk up to whole cylinders; nothing else may differ from what the header said.
      if (contentBytes < diskBytes && format !== 'vhd') throw unsafe('its disk is smaller than its header says');
      if (contentBytes > limits.diskBytes) throw unsafe('its disk is greater than its header says');
      meter.update({ phase: 'storing' });
      const hashes = pool.stream();
      try {
        const size = paddedSize(contentBytes);
        const manifestId = await session.writeDisk({
          size,
          chunks: hashes.chunks(piecesOf(handle)),
          signal,
        });
        return { manifestId, size, contentBytes, diskSha256: (await hashes.digests())['SHA-256'] };
      } finally {
        hashes.drop();
      }
    });
  } catch (error) {
    const full = error instanceof Error && 'code' in error && error.code === 'ENOSPC';
    throw full ? new Fault('pull.no-room', 'The folder for pulls has no room left.', { cause: error }) : error;
  } finally {
    await rm(path, { force: true });
    await rm(rawPath, { force: true });
  }
}
