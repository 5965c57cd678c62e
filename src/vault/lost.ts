// Which chunks of a disk have no good copy in the vault any more.
import { Fault } from '../errors/fault.ts';
import { type WantedChunk } from './chunk-source.ts';
import { openManifest } from './disk-reader.ts';
import { hashBytes, leafCount, leafHashes, zeroHash } from './manifest.ts';
import { chunkKinds } from './pack.ts';
import { type Vault } from './vault.ts';

export interface Loss {
  /** Chunks of the disk, in order: their numbers, and what they must be. */
  readonly chunks: readonly { readonly index: number; readonly sha256: Buffer }[];
  /** Leaves, or the root: which chunks these name cannot be told from the vault. */
  readonly tree: readonly WantedChunk[];
}

export const isLost = ({ chunks, tree }: Loss): boolean => tree.length > 0 || chunks.length > 0;

const unreadable = (error: unknown): boolean =>
  error instanceof Fault && error.code !== 'vault.unavailable' && error.code !== 'vault.full';

/**
 * Goes through the manifest and the notes of damage; reads no data. What was damaged since it was last read is not known
 * here: a scrub finds it. Throws `vault.unavailable`.
 */
export async function lossOf(vault: Pick<Vault, 'catalog' | 'reader' | 'damage'>, manifestId: string): Promise<Loss> {
  const { catalog, reader, damage } = vault;
  const hasGoodCopy = (sha256: Buffer): boolean => {
    for (const { location } of catalog.index.find(sha256)) if (!damage.has(location)) return true;
    return false;
  };
  const chunks: { index: number; sha256: Buffer }[] = [];
  const tree: WantedChunk[] = [];
  try {
    const opened = await openManifest(reader, manifestId);
    for (let number = 0; number < leafCount(opened.manifest.size); number += 1) {
      const leaf = await opened.leaf(number).catch((error: unknown) => {
        if (!unreadable(error)) throw error;
      });
      if (leaf === undefined) {
        const at = number * hashBytes;
        const sha256 = opened.manifest.leaves.subarray(at, at + hashBytes);
        tree.push({ kind: chunkKinds.leaf, index: number, sha256 });
        continue;
      }
      for (let slot = 0; slot < leafHashes; slot += 1) {
        const sha256 = leaf.subarray(slot * hashBytes, (slot + 1) * hashBytes);
        if (!sha256.equals(zeroHash) && !hasGoodCopy(sha256))
          chunks.push({ index: number * leafHashes + slot, sha256 });
      }
    }
    return { chunks, tree };
  } catch (error) {
    if (!unreadable(error)) throw error;
    const root = { kind: chunkKinds.root, index: 0, sha256: Buffer.from(manifestId, 'hex') };
    return { chunks: [], tree: [root] };
  }
}
