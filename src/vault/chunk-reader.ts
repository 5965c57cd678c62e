// Reads one chunk from whichever copy of it is good, and proves it by its hash.
import { promisify } from 'node:util';
import { inflateRaw } from 'node:zlib';
import { Fault } from '../errors/fault.ts';
import { type Catalog } from './catalog.ts';
import { type ChunkLocation } from './location-index.ts';
import { sha256Of } from './manifest.ts';
import { type ObjectStore } from './object-store.ts';
import { encodings } from './pack.ts';
import { packKey } from './records.ts';

const inflate = promisify(inflateRaw);

type Copy = Pick<ChunkLocation, 'pack' | 'entry'>;

export interface ChunkReader {
  /** The chunk's bytes, proven. Throws `vault.missing` or `vault.corrupt` where no good copy can be had. */
  read(sha256: Buffer, signal?: AbortSignal): Promise<Buffer>;
  /** Whether this copy was found damaged since the vault was opened: nothing may come to rely on it. */
  isDamaged(copy: Copy): boolean;
  noteDamaged(copy: Copy): void;
}

/** The chunk as it is outside the vault, or undefined where the stored bytes cannot be it. */
export async function decodeChunk(
  stored: Buffer,
  location: ChunkLocation,
  sha256: Buffer,
): Promise<Buffer | undefined> {
  if (stored.length !== location.storedBytes) return undefined;
  let plain = stored;
  if (location.encoding === encodings.deflate) {
    try {
      plain = await inflate(stored, { maxOutputLength: location.plainBytes });
    } catch {
      return undefined;
    }
  } else if (location.encoding !== encodings.plain) return undefined;
  return plain.length === location.plainBytes && sha256Of(plain).equals(sha256) ? plain : undefined;
}

export function createChunkReader(store: ObjectStore, catalog: Catalog): ChunkReader {
  const damaged = new Set<string>();
  const noteDamaged = ({ pack, entry }: Copy): void => void damaged.add(`${pack}/${entry}`);

  async function readCopies(sha256: Buffer, signal: AbortSignal | undefined): Promise<Buffer | 'missing' | 'corrupt'> {
    let outcome: 'missing' | 'corrupt' = 'missing';
    for (const { location } of Array.from(catalog.index.find(sha256))) {
      signal?.throwIfAborted();
      const stored = await store.get(packKey(location.pack), { offset: location.offset, length: location.storedBytes });
      if (stored === undefined) {
        catalog.index.removePacks([location.pack]);
        continue;
      }
      const plain = await decodeChunk(stored, location, sha256);
      if (plain !== undefined) return plain;
      outcome = 'corrupt';
      noteDamaged(location);
    }
    return outcome;
  }

  return {
    isDamaged: ({ pack, entry }) => damaged.has(`${pack}/${entry}`),
    noteDamaged,
    async read(sha256, signal) {
      let result = await readCopies(sha256, signal);
      if (typeof result === 'string') {
        // Another process may have written a copy, or moved it, since this one looked.
        await catalog.refresh();
        result = await readCopies(sha256, signal);
      }
      if (typeof result !== 'string') return result;
      const chunk = sha256.toString('hex');
      throw result === 'corrupt'
        ? new Fault('vault.corrupt', `The stored bytes of chunk ${chunk} are damaged.`, { details: { chunk } })
        : new Fault('vault.missing', `Chunk ${chunk} is not in the vault.`, { details: { chunk } });
    },
  };
}
