// Opens a manifest as a disk: leaves are read when they are needed, and the latest few are kept.
import { Fault } from '../errors/fault.ts';
import { type ChunkReader } from './chunk-reader.ts';
import { chunkCount, decodeManifest, hashBytes, leafBytes, leafHashes, zeroHash, type Manifest } from './manifest.ts';
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
export async function openManifest(reader: ChunkReader, manifestId: string): Promise<ManifestTree> {
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

/** A disk behind an open manifest; `onClose` is told once. */
export function createStoredDisk(
  reader: ChunkReader,
  tree: ManifestTree,
  manifestId: string,
  onClose: () => Promise<void>,
): StoredDisk {
  const { manifest } = tree;
  const chunks = chunkCount(manifest.size);
  const leaves = new Map<number, Promise<Buffer>>();

  function leafOf(number: number): Promise<Buffer> {
    const known = leaves.get(number);
    const leaf = known ?? tree.leaf(number);
    leaves.delete(number);
    leaves.set(number, leaf);
    leaf.catch(() => leaves.delete(number));
    const [oldest] = leaves.keys();
    if (leaves.size > leavesKept && oldest !== undefined) leaves.delete(oldest);
    return leaf;
  }

  async function hashOf(index: number): Promise<Buffer> {
    if (!Number.isInteger(index) || index < 0 || index >= chunks) {
      throw new RangeError(`chunk ${index} lies outside a disk of ${chunks} chunks`);
    }
    const at = (index % leafHashes) * hashBytes;
    return (await leafOf(Math.floor(index / leafHashes))).subarray(at, at + hashBytes);
  }

  let closed = false;
  return {
    manifestId,
    size: manifest.size,
    async isZeroChunk(index) {
      return isZero(await hashOf(index));
    },
    async readChunk(index, signal) {
      const hash = await hashOf(index);
      const length = Math.min(chunkBytes, manifest.size - index * chunkBytes);
      if (isZero(hash)) return Buffer.alloc(length);
      const chunk = await reader.read(hash, signal);
      if (chunk.length !== length) {
        throw new Fault('vault.bad-format', `Chunk ${index} of manifest ${manifestId} has an odd length.`);
      }
      return chunk;
    },
    async close() {
      if (closed) return;
      closed = true;
      leaves.clear();
      await onClose();
    },
  };
}
