// A pack whose own index has gone bad, while this process still knows it: its chunks are copied before others cannot find them.
import { Fault } from '../errors/fault.ts';
import { decodeChunk } from './chunk-reader.ts';
import { type ChunkLocation, type IndexedPack } from './location-index.ts';
import { checkPackIndex, decodePackTrailer, packEntry, type ChunkKind } from './pack.ts';
import { repairChunks } from './repair-chunks.ts';
import { type Vault } from './vault.ts';

/** Why nobody could find anything by the index in these bytes; undefined where all is well. */
function faultOfIndex(pack: IndexedPack, bytes: Buffer): Fault | undefined {
  try {
    const { indexOffset, indexBytes } = decodePackTrailer(bytes, bytes.length, pack.name);
    checkPackIndex(bytes.subarray(indexOffset, indexOffset + indexBytes), bytes, pack.name);
    return undefined;
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
}

/** False: its index is sound, or its chunks could not be copied. Afterwards the pack is one that cannot be read. */
export async function rescuePack(vault: Vault, pack: IndexedPack, bytes: Buffer): Promise<boolean> {
  const fault = faultOfIndex(pack, bytes);
  if (fault === undefined) return false;
  await repairChunks(vault, async (put) => {
    for (let entry = 0; entry < pack.entries; entry += 1) {
      const { sha256, kind, ...rest } = packEntry.decode(pack.index, entry * packEntry.bytes);
      const location: ChunkLocation = { ...rest, kind: kind as ChunkKind, pack: pack.name, entry };
      const stored = bytes.subarray(location.offset, location.offset + location.storedBytes);
      const plain = await decodeChunk(stored, location, sha256);
      if (plain !== undefined) await put(sha256, plain, location.kind);
    }
  });
  vault.catalog.distrust(pack.name, fault);
  return true;
}
