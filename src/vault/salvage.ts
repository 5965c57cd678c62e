// What can still be read of packs whose index is damaged: the chunks themselves tell by their hashes which they are.
import { promisify } from 'node:util';
import { inflateRaw } from 'node:zlib';
import { type ChunkSource } from './chunk-source.ts';
import { leafBytes, sha256Of } from './manifest.ts';
import { encodings, packEntry, packHeader, packTrailer } from './pack.ts';
import { packKey } from './records.ts';
import { chunkBytes } from './stored-disk.ts';
import { type Vault } from './vault.ts';

const inflate = promisify(inflateRaw);

/** Where a chunk seems to lie. */
interface Place {
  readonly offset: number;
  readonly storedBytes: number;
  readonly encoding: number;
}

/** Entries that cannot be, in a row, after which what lies before is no index. */
const mostImpossible = 8;

/**
 * The entries of an index as far as they can be, read from its end, with or without the trailer. Nothing of them is believed: a hash in them
 * may be as wrong as a place.
 */
function* possiblePlaces(pack: Buffer, indexEnd: number): Generator<Place> {
  let impossible = 0;
  for (let at = indexEnd - packEntry.bytes; at >= packHeader.bytes; at -= packEntry.bytes) {
    const { offset, storedBytes, plainBytes, encoding } = packEntry.decode(pack, at);
    const known = encoding === encodings.plain || encoding === encodings.deflate;
    if (known && offset >= packHeader.bytes && offset + storedBytes <= at && plainBytes <= 2 * chunkBytes) {
      impossible = 0;
      yield { offset, storedBytes, encoding };
      if (offset === packHeader.bytes) return;
    } else if ((impossible += 1) > mostImpossible) return;
  }
}

/** Chunks of the usual lengths one behind another from the front, for a pack that has lost its end. */
function* usualPlaces(pack: Buffer): Generator<Place> {
  for (let offset = packHeader.bytes; offset < pack.length; offset += chunkBytes) {
    for (const storedBytes of [chunkBytes, leafBytes])
      if (offset + storedBytes <= pack.length) yield { offset, storedBytes, encoding: encodings.plain };
  }
}

/** Every chunk that can be read of a pack, by its hash in hex. */
export async function chunksIn(pack: Buffer): Promise<ReadonlyMap<string, Buffer>> {
  const found = new Map<string, Buffer>();
  const places = [...possiblePlaces(pack, pack.length - packTrailer.bytes)];
  for (const { offset, storedBytes, encoding } of places.length > 0 ? places : usualPlaces(pack)) {
    const stored = pack.subarray(offset, offset + storedBytes);
    const plain =
      encoding === encodings.plain
        ? stored
        : await inflate(stored, { maxOutputLength: 2 * chunkBytes }).catch(() => undefined);
    if (plain !== undefined) found.set(sha256Of(plain).toString('hex'), plain);
  }
  return found;
}

/** The packs of this vault that cannot be read by their index. The last that was looked into is kept in memory. */
export function salvageSource({ store, catalog }: Pick<Vault, 'store' | 'catalog'>): ChunkSource {
  /** Which chunks a pack has, so that none is hashed twice. */
  const known = new Map<string, ReadonlySet<string>>();
  let last: { readonly pack: string; readonly chunks: ReadonlyMap<string, Buffer> } | undefined;

  async function lookInto(pack: string): Promise<ReadonlyMap<string, Buffer>> {
    if (last?.pack === pack) return last.chunks;
    const bytes = await store.get(packKey(pack));
    const chunks = bytes === undefined ? new Map<string, Buffer>() : await chunksIn(bytes);
    known.set(pack, new Set(chunks.keys()));
    last = { pack, chunks };
    return chunks;
  }

  return {
    name: 'packs whose index is damaged',
    async read({ sha256 }, signal) {
      const wanted = sha256.toString('hex');
      for (const pack of catalog.unreadable.keys()) {
        signal.throwIfAborted();
        if (known.get(pack)?.has(wanted) === false) continue;
        const chunk = (await lookInto(pack)).get(wanted);
        if (chunk !== undefined) return Buffer.from(chunk);
      }
      return undefined;
    },
  };
}
