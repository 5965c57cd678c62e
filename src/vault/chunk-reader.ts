// Reads one chunk from whichever copy of it is good, and proves it by its hash.
import { promisify } from 'node:util';
import { inflateRaw } from 'node:zlib';
import { Fault } from '../errors/fault.ts';
import { type Catalog } from './catalog.ts';
import { type DamageNotes } from './damage.ts';
import { type ChunkLocation } from './location-index.ts';
import { sha256Of } from './manifest.ts';
import { type ObjectStore } from './object-store.ts';
import { encodings } from './pack.ts';
import { packKey } from './records.ts';

const inflate = promisify(inflateRaw);

export interface ChunkReader {
  /** The chunk's bytes, proven. Throws `vault.missing` or `vault.corrupt` where no good copy can be had. */
  read(sha256: Buffer, signal?: AbortSignal): Promise<Buffer>;
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

/** `onLost` is told of chunks that were asked for and have no good copy any more. */
export function createChunkReader(
  store: ObjectStore,
  catalog: Catalog,
  damage: DamageNotes,
  onLost: (sha256: Buffer) => void = () => undefined,
): ChunkReader {
  const readCopy = (location: ChunkLocation): Promise<Buffer | undefined> =>
    store.get(packKey(location.pack), { offset: location.offset, length: location.storedBytes });

  async function readCopies(sha256: Buffer, signal: AbortSignal | undefined): Promise<Buffer | 'missing' | 'corrupt'> {
    let outcome: 'missing' | 'corrupt' = 'missing';
    const copies = Array.from(catalog.index.find(sha256), ({ location }) => location);
    copies.sort((a, b) => Number(damage.has(a)) - Number(damage.has(b)));
    for (const location of copies) {
      // Read twice before it is called damaged: what the network garbles is not noted for good.
      for (let turn = 0; turn < 2; turn += 1) {
        signal?.throwIfAborted();
        const stored = await readCopy(location);
        if (stored === undefined) {
          catalog.index.removePacks([location.pack]);
          break;
        }
        const plain = await decodeChunk(stored, location, sha256);
        if (plain !== undefined) return plain;
        outcome = 'corrupt';
        // A store that takes no note does not keep another copy from being read.
        if (turn === 1 && !damage.has(location)) await damage.note(location, sha256).catch(() => undefined);
      }
    }
    return outcome;
  }

  return {
    async read(sha256, signal) {
      let result = await readCopies(sha256, signal);
      if (typeof result === 'string') {
        // Another process may have written a copy, or moved it, since this one looked.
        await catalog.refresh();
        result = await readCopies(sha256, signal);
      }
      if (typeof result !== 'string') return result;
      onLost(sha256);
      const chunk = sha256.toString('hex');
      throw result === 'corrupt'
        ? new Fault('vault.corrupt', `The stored bytes of chunk ${chunk} are damaged.`, { details: { chunk } })
        : new Fault('vault.missing', `Chunk ${chunk} is not in the vault.`, { details: { chunk } });
    },
  };
}
