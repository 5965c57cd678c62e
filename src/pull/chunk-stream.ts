// Cuts a stream of pieces of any length into the chunks of a disk, its end padded with zeros to a whole sector.
import { type DiskChunk } from '../vault/disk-writer.ts';
import { chunkBytes } from '../vault/stored-disk.ts';

const sectorBytes = 512;

/** The size of the disk that holds `bytes` bytes. */
export const paddedSize = (bytes: number): number => Math.ceil(bytes / sectorBytes) * sectorBytes;

export async function* chunkStream(pieces: AsyncIterable<Buffer>): AsyncGenerator<DiskChunk> {
  let index = 0;
  let chunk = Buffer.allocUnsafeSlow(chunkBytes);
  let filled = 0;
  for await (const piece of pieces) {
    for (let at = 0; at < piece.length;) {
      const taken = piece.copy(chunk, filled, at);
      at += taken;
      filled += taken;
      if (filled < chunkBytes) continue;
      yield { index, data: chunk };
      index += 1;
      chunk = Buffer.allocUnsafeSlow(chunkBytes);
      filled = 0;
    }
  }
  if (filled > 0) yield { index, data: chunk.fill(0, filled).subarray(0, paddedSize(filled)) };
}
