// A stored disk in memory, for tests: its bytes are a pattern that depends on place and seed, with zero chunks between.
import { createHash } from 'node:crypto';
import { chunkBytes, type StoredDisk } from '../../src/vault/stored-disk.ts';

export interface MemoryDisk extends StoredDisk {
  readonly bytes: Buffer;
  /** How often each chunk was read. */
  readonly reads: Map<number, number>;
}

/** Every third chunk is zero. */
export function patternBytes(size: number, seed: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let at = 0; at < size; at += 4) {
    if (Math.floor(at / chunkBytes) % 3 !== 2) bytes.writeUInt32LE((Math.imul(at + 1, 2654435761) ^ seed) >>> 0, at);
  }
  return bytes;
}

export function memoryDisk(bytes: Buffer): MemoryDisk {
  const reads = new Map<number, number>();
  const chunkOf = (index: number): Buffer => bytes.subarray(index * chunkBytes, (index + 1) * chunkBytes);
  return {
    bytes,
    reads,
    manifestId: createHash('sha256').update(bytes).digest('hex'),
    size: bytes.length,
    isZeroChunk: (index) => chunkOf(index).every((byte) => byte === 0),
    async readChunk(index) {
      reads.set(index, (reads.get(index) ?? 0) + 1);
      await new Promise((resolve) => setImmediate(resolve));
      return Buffer.from(chunkOf(index));
    },
    close: () => Promise.resolve(),
  };
}
