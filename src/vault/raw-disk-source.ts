// A raw disk that lies somewhere as a source of chunks: they are where the disk has them, and its tree is made anew.
import { webcrypto } from 'node:crypto';
import { type ChunkSource, type DamagedDisk } from './chunk-source.ts';
import {
  chunkCount,
  encodeManifest,
  hashBytes,
  leafBytes,
  leafCount,
  leafHashes,
  sha256Of,
  zeroHash,
} from './manifest.ts';
import { chunkKinds } from './pack.ts';
import { chunkBytes } from './stored-disk.ts';

/** Bytes of the disk; past its end they may be zeros. Undefined: they are not there. */
export type ReadDisk = (offset: number, length: number) => Promise<Buffer | undefined>;

const zeros = Buffer.alloc(chunkBytes);
const isZeros = (bytes: Buffer): boolean => zeros.compare(bytes, 0, bytes.length, 0, bytes.length) === 0;

/** The chunks, and what the tree over them would be. A disk that is not all there makes another tree, which nobody believes. */
export function rawDiskSource(name: string, { size }: DamagedDisk, read: ReadDisk): ChunkSource {
  const chunkAt = (index: number): Promise<Buffer | undefined> =>
    read(index * chunkBytes, Math.min(chunkBytes, size - index * chunkBytes));

  async function leafOf(number: number, signal: AbortSignal): Promise<Buffer | undefined> {
    const leaf = Buffer.alloc(leafBytes);
    const first = number * leafHashes;
    for (let index = first; index < Math.min(first + leafHashes, chunkCount(size)); index += 1) {
      signal.throwIfAborted();
      const chunk = await chunkAt(index);
      if (chunk === undefined) return undefined;
      if (isZeros(chunk)) continue;
      // Off the event loop: there may be many.
      Buffer.from(await webcrypto.subtle.digest('SHA-256', chunk)).copy(leaf, (index - first) * hashBytes);
    }
    return leaf;
  }

  async function root(signal: AbortSignal): Promise<Buffer | undefined> {
    const leaves = Buffer.alloc(leafCount(size) * hashBytes);
    for (let number = 0; number < leafCount(size); number += 1) {
      const leaf = await leafOf(number, signal);
      if (leaf === undefined) return undefined;
      (leaf.equals(Buffer.alloc(leafBytes)) ? zeroHash : sha256Of(leaf)).copy(leaves, number * hashBytes);
    }
    return encodeManifest({ size, leaves });
  }

  return {
    name,
    async read({ kind, index }, signal) {
      if (kind === chunkKinds.root) return await root(signal);
      return kind === chunkKinds.leaf ? await leafOf(index, signal) : await chunkAt(index);
    },
  };
}
