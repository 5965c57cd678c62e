// Keeps chunks that were read in memory, shared by all disks of a vault; of each chunk there is one read at a time, however many ask.
import { type ChunkReader } from './chunk-reader.ts';

export interface ChunkCache extends ChunkReader {
  /** The chunk if it is in memory. What is handed out is shared: nobody may change it. */
  peek(sha256: Buffer): Buffer | undefined;
}

/** `maxBytes` bounds what is kept; those that were used longest ago go first. */
export function createChunkCache(reader: ChunkReader, maxBytes: number): ChunkCache {
  // A Map keeps its keys in the order of their last insertion.
  const kept = new Map<string, Buffer>();
  const underWay = new Map<string, Promise<Buffer>>();
  let bytes = 0;

  function keep(key: string, chunk: Buffer): void {
    if (chunk.length > maxBytes) return;
    kept.set(key, chunk);
    bytes += chunk.length;
    for (const [oldest, { length }] of kept) {
      if (bytes <= maxBytes) break;
      kept.delete(oldest);
      bytes -= length;
    }
  }

  function peek(sha256: Buffer): Buffer | undefined {
    const key = sha256.toString('latin1');
    const chunk = kept.get(key);
    if (chunk === undefined) return undefined;
    kept.delete(key);
    kept.set(key, chunk);
    return chunk;
  }

  return {
    peek,
    async read(sha256) {
      const chunk = peek(sha256);
      if (chunk !== undefined) return chunk;
      const key = sha256.toString('latin1');
      // It is shared, so one caller that gives up does not end it.
      let reading = underWay.get(key);
      if (reading === undefined) {
        reading = reader.read(Buffer.from(sha256)).finally(() => underWay.delete(key));
        underWay.set(key, reading);
        reading.then(
          (read) => keep(key, read),
          () => undefined,
        );
      }
      return await reading;
    },
  };
}
