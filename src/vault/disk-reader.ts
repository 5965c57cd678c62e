// Opens a manifest as a disk: leaves are read when they are needed, and the latest few are kept.
import { Fault } from '../errors/fault.ts';
import { type ChunkCache } from './chunk-cache.ts';
import { type ChunkReader } from './chunk-reader.ts';
import { chunkCount, decodeManifest, hashBytes, leafBytes, leafHashes, zeroHash, type Manifest } from './manifest.ts';
import { createReadAhead } from './read-ahead.ts';
import { chunkBytes, type StoredDisk } from './stored-disk.ts';

/** 64 leaves cover 16 GiB of disk, in 2 MiB of memory. */
const leavesKept = 64;

const isZero = (hash: Buffer): boolean => hash.equals(zeroHash);

export interface ManifestTree {
  readonly manifest: Manifest;
  /** The hashes of one leaf, one after another. */
  leaf(number: number): Promise<Buffer>;
}

/** Reads a manifest's root. Throws `not-found` where the vault has none of this id. */
export async function openManifest(reader: Pick<ChunkReader, 'read'>, manifestId: string): Promise<ManifestTree> {
  if (!/^[0-9a-f]{64}$/.test(manifestId)) {
    throw new Fault('not-found', `"${manifestId}" is not the id of a manifest: 64 digits in hex.`);
  }
  const root = await reader.read(Buffer.from(manifestId, 'hex')).catch((error: unknown) => {
    if (!(error instanceof Fault) || error.code !== 'vault.missing') throw error;
    throw new Fault('not-found', `The vault has no disk ${manifestId}.`, { cause: error });
  });
  const manifest = decodeManifest(root, manifestId);
  return {
    manifest,
    async leaf(number) {
      const hash = manifest.leaves.subarray(number * hashBytes, (number + 1) * hashBytes);
      if (isZero(hash)) return Buffer.alloc(leafBytes);
      const leaf = await reader.read(hash);
      if (leaf.length !== leafBytes) {
        throw new Fault('vault.bad-format', `Leaf ${number} of manifest ${manifestId} has an odd length.`);
      }
      return leaf;
    },
  };
}

/** Chunks that are brought before they are asked for, at most. */
const chunksAhead = 16;

/** A disk that knows which of its chunks are in memory. */
export interface CachedDisk extends StoredDisk {
  /** The chunk if it is in memory, or zero. It is shared: nobody may change it. */
  chunkNow(index: number): Buffer | undefined;
}

const zeroChunk = Buffer.alloc(chunkBytes);

/** A disk behind an open manifest; `onClose` is told once. */
export function createStoredDisk(
  reader: ChunkCache,
  tree: ManifestTree,
  manifestId: string,
  onClose: () => Promise<void>,
): CachedDisk {
  const { manifest } = tree;
  const chunks = chunkCount(manifest.size);
  const leaves = new Map<number, Promise<Buffer>>();
  const resident = new Map<number, Buffer>();

  function leafOf(number: number): Promise<Buffer> {
    const known = leaves.get(number);
    const leaf = known ?? tree.leaf(number);
    leaves.delete(number);
    leaves.set(number, leaf);
    if (known === undefined) {
      leaf.then(
        (hashes) => resident.set(number, hashes),
        () => leaves.delete(number),
      );
    }
    const [oldest] = leaves.keys();
    if (leaves.size > leavesKept && oldest !== undefined) {
      leaves.delete(oldest);
      resident.delete(oldest);
    }
    return leaf;
  }

  async function hashOf(index: number): Promise<Buffer> {
    if (!Number.isInteger(index) || index < 0 || index >= chunks) {
      throw new RangeError(`chunk ${index} lies outside a disk of ${chunks} chunks`);
    }
    const at = (index % leafHashes) * hashBytes;
    return (await leafOf(Math.floor(index / leafHashes))).subarray(at, at + hashBytes);
  }

  const lengthOf = (index: number): number => Math.min(chunkBytes, manifest.size - index * chunkBytes);

  const ahead = createReadAhead(chunks, chunksAhead, (first, last) => {
    // Whoever asks for them is told what went wrong.
    bringAhead(first, last).catch(() => undefined);
  });

  async function bringAhead(first: number, last: number): Promise<void> {
    const hashes: Buffer[] = [];
    for (let index = first; index <= last; index += 1) {
      const hash = await hashOf(index);
      if (!isZero(hash)) hashes.push(hash);
    }
    if (!closed) reader.readAhead(hashes);
  }

  async function bring(index: number): Promise<Buffer> {
    const hash = await hashOf(index);
    if (isZero(hash)) return Buffer.alloc(lengthOf(index));
    const chunk = await reader.read(hash);
    if (chunk.length !== lengthOf(index)) {
      throw new Fault('vault.bad-format', `Chunk ${index} of manifest ${manifestId} has an odd length.`);
    }
    return chunk;
  }

  let closed = false;
  return {
    manifestId,
    size: manifest.size,
    async isZeroChunk(index) {
      return isZero(await hashOf(index));
    },
    async readChunk(index, signal) {
      signal?.throwIfAborted();
      ahead.touch(index);
      return await bring(index);
    },
    chunkNow(index) {
      const leaf = resident.get(Math.floor(index / leafHashes));
      if (leaf === undefined || index >= chunks) return undefined;
      const at = (index % leafHashes) * hashBytes;
      const hash = leaf.subarray(at, at + hashBytes);
      const chunk = isZero(hash) ? zeroChunk.subarray(0, lengthOf(index)) : reader.peek(hash);
      if (chunk !== undefined) ahead.touch(index);
      return chunk?.length === lengthOf(index) ? chunk : undefined;
    },
    async close() {
      if (closed) return;
      closed = true;
      leaves.clear();
      resident.clear();
      await onClose();
    },
  };
}
