// Keeps chunks that were read in memory, shared by all disks of a vault; of each chunk there is one read at a time, however many ask.
import { type ChunkReader } from './chunk-reader.ts';

export interface ChunkCache extends Pick<ChunkReader, 'read'> {
  /** Brings chunks into memory that will be asked for; what goes wrong is told to who asks. */
  readAhead(hashes: readonly Buffer[]): void;
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

  /** It is shared, so one caller that gives up does not end it. */
  function begin(key: string, reading: Promise<Buffer>): Promise<Buffer> {
    const shared = reading.finally(() => underWay.delete(key));
    underWay.set(key, shared);
    shared.then(
      (read) => keep(key, read),
      () => undefined,
    );
    return shared;
  }

  return {
    peek,
    readAhead(hashes) {
      const wanted = new Map<string, Buffer>();
      for (const sha256 of hashes) {
        const key = sha256.toString('latin1');
        if (!kept.has(key) && !underWay.has(key)) wanted.set(key, Buffer.from(sha256));
      }
      const keys = [...wanted.keys()];
      for (const [number, reading] of reader.readAll([...wanted.values()]).entries())
        void begin(keys[number] ?? '', reading);
    },
    async read(sha256) {
      const chunk = peek(sha256);
      if (chunk !== undefined) return chunk;
      const key = sha256.toString('latin1');
      return await (underWay.get(key) ?? begin(key, reader.read(Buffer.from(sha256))));
    },
  };
}
