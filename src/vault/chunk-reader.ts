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
  /** A promise for each of these chunks, in their order. Those that lie one behind another in a pack come by one request. */
  readAll(hashes: readonly Buffer[]): readonly Promise<Buffer>[];
}

/** Bytes that one request asks for at most. */
const longestRun = 4 * 1024 * 1024;

interface Wanted {
  readonly sha256: Buffer;
  readonly place: ChunkLocation | undefined;
}

/** Parts the chunks where the next one does not lie right behind the one before. */
function runsOf(wanted: readonly Wanted[]): readonly (readonly Wanted[])[] {
  const runs: Wanted[][] = [];
  for (const one of wanted) {
    const run = runs.at(-1);
    const [begin, last] = [run?.[0]?.place, run?.at(-1)?.place];
    const { place } = one;
    const follows =
      begin !== undefined &&
      last !== undefined &&
      place?.pack === last.pack &&
      place.offset === last.offset + last.storedBytes &&
      place.offset + place.storedBytes - begin.offset <= longestRun;
    if (follows) run?.push(one);
    else runs.push([one]);
  }
  return runs;
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

  async function read(sha256: Buffer, signal?: AbortSignal): Promise<Buffer> {
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
  }

  /** The copy to read first; undefined where none is known that is not damaged. */
  function firstCopy(sha256: Buffer): ChunkLocation | undefined {
    for (const { location } of catalog.index.find(sha256)) if (!damage.has(location)) return location;
    return undefined;
  }

  function readRun(run: readonly Wanted[]): readonly Promise<Buffer>[] {
    const [first, last] = [run[0]?.place, run.at(-1)?.place];
    if (run.length === 1 || first === undefined || last === undefined) return run.map(({ sha256 }) => read(sha256));
    const length = last.offset + last.storedBytes - first.offset;
    const fetched = store.get(packKey(first.pack), { offset: first.offset, length }).catch(() => undefined);
    return run.map(async ({ sha256, place = first }) => {
      const at = place.offset - first.offset;
      const stored = (await fetched)?.subarray(at, at + place.storedBytes);
      const plain = stored === undefined ? undefined : await decodeChunk(stored, place, sha256);
      // By itself it is read as often as it takes to tell what is wrong, and from another copy.
      if (plain === undefined) return await read(sha256);
      // One chunk that is kept must not keep the whole run.
      return plain === stored ? Buffer.from(plain) : plain;
    });
  }

  return {
    read,
    readAll: (hashes) => runsOf(hashes.map((sha256) => ({ sha256, place: firstCopy(sha256) }))).flatMap(readRun),
  };
}
