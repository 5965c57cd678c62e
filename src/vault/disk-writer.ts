// Writes a disk as chunks and builds its manifest: zero chunks are skipped, and what the vault has already is not stored twice.
import { webcrypto } from 'node:crypto';
import { Fault } from '../errors/fault.ts';
import { type ManifestTree } from './disk-reader.ts';
import {
  chunkCount,
  encodeManifest,
  hashBytes,
  leafBytes,
  leafCount,
  leafHashes,
  maxDiskBytes,
  sha256Of,
  zeroHash,
} from './manifest.ts';
import { chunkKinds, type ChunkKind } from './pack.ts';
import { chunkBytes } from './stored-disk.ts';

/** One chunk of a disk that is being written. */
export interface DiskChunk {
  readonly index: number;
  /** {@link chunkBytes} long, or as long as the disk goes on from there. */
  readonly data: Buffer;
  /** Of the data, where somebody takes it already. */
  readonly sha256?: Promise<Buffer>;
  /** Told once nobody reads the data any more, but not where the write fails: then the memory may be used again. Without it the data are the vault's from then on. */
  readonly done?: () => void;
}

/** Where a disk writer puts chunks; it skips those that are there. */
export interface ChunkSink {
  /** `done` is told once nobody reads the bytes any more. */
  put(sha256: Buffer, bytes: Buffer, kind: ChunkKind, done?: () => void): Promise<void>;
}

export interface DiskToWrite {
  /** Bytes, a multiple of 512, at most 64 TiB. */
  readonly size: number;
  /** In ascending order of their numbers. What is left out is as in the parent, or zero without one. */
  readonly chunks: AsyncIterable<DiskChunk> | Iterable<DiskChunk>;
  readonly signal?: AbortSignal;
  /** Told the hash of each whole chunk, in order, as it is taken. */
  readonly taken?: (sha256: Buffer) => Promise<void>;
}

const digestsAhead = 8;
const zeroChunk = Buffer.alloc(chunkBytes);
const isZeros = (bytes: Buffer): boolean => zeroChunk.compare(bytes, 0, bytes.length, 0, bytes.length) === 0;

/** Off the event loop: a chunk takes a fifth of a millisecond. */
async function digestOf({ data, sha256 }: DiskChunk): Promise<Buffer> {
  if (isZeros(data)) return zeroHash;
  return sha256 ?? Buffer.from(await webcrypto.subtle.digest('SHA-256', data));
}

function checkSize(size: number): void {
  if (!Number.isSafeInteger(size) || size < 0 || size > maxDiskBytes || size % 512 !== 0) {
    throw new Fault('usage', `A disk of ${size} bytes cannot be kept: its size is a multiple of 512, up to 64 TiB.`);
  }
}

/** Digests a few chunks at once and hands them on in order; those that came before an error too. Rejects with it, or with what `accept` does. */
async function inOrder(
  { size, chunks, signal }: DiskToWrite,
  accept: (chunk: DiskChunk, sha256: Buffer) => Promise<void>,
): Promise<void> {
  const ahead: Promise<void>[] = [];
  let last: Promise<void> = Promise.resolve();
  let previous = -1;
  try {
    for await (const chunk of chunks) {
      signal?.throwIfAborted();
      const { index, data } = chunk;
      if (
        index <= previous ||
        index >= chunkCount(size) ||
        data.length !== Math.min(chunkBytes, size - index * chunkBytes)
      ) {
        const what = `chunk ${index} of ${data.length} bytes`;
        throw new RangeError(`${what} does not fit a disk of ${size} bytes, after ${previous}`);
      }
      previous = index;
      const before = last;
      const digest = digestOf(chunk);
      last = Promise.all([digest, before]).then(([sha256]) => accept(chunk, sha256));
      last.catch(() => undefined);
      ahead.push(last);
      if (ahead.length > digestsAhead) await ahead.shift();
    }
  } finally {
    await last;
  }
}

/** Writes chunks and leaves, then the root; returns the id of the manifest, hex. */
export async function writeDisk(
  sink: ChunkSink,
  disk: DiskToWrite,
  parent?: { readonly id: string; readonly tree: ManifestTree },
): Promise<string> {
  checkSize(disk.size);
  const parentSize = parent?.tree.manifest.size ?? 0;
  // The last chunk of a parent may be a short one: in a disk that is longer it must be given anew, whole.
  const mustGive = disk.size > parentSize && parentSize % chunkBytes !== 0 ? chunkCount(parentSize) - 1 : undefined;
  let gaveIt = mustGive === undefined;
  if (disk.size < parentSize) throw new Fault('usage', 'A disk cannot be smaller than the one it was made from.');
  const leaves = Buffer.alloc(leafCount(disk.size) * hashBytes);
  parent?.tree.manifest.leaves.copy(leaves);
  let current: { readonly number: number; readonly hashes: Buffer } | undefined;

  async function startLeaf(number: number): Promise<{ readonly number: number; readonly hashes: Buffer }> {
    const inherited = parent !== undefined && number * hashBytes < parent.tree.manifest.leaves.length;
    return { number, hashes: inherited ? Buffer.from(await parent.tree.leaf(number)) : Buffer.alloc(leafBytes) };
  }

  async function endLeaf(): Promise<void> {
    if (current === undefined) return;
    const { number, hashes } = current;
    const sha256 = isZeros(hashes) ? zeroHash : sha256Of(hashes);
    if (!sha256.equals(zeroHash)) await sink.put(sha256, hashes, chunkKinds.leaf);
    sha256.copy(leaves, number * hashBytes);
  }

  await inOrder(disk, async ({ index, data, done }, sha256) => {
    const number = Math.floor(index / leafHashes);
    gaveIt ||= index === mustGive;
    if (current?.number !== number) {
      await endLeaf();
      current = await startLeaf(number);
    }
    const { hashes } = current;
    if (data.length === chunkBytes) await disk.taken?.(sha256);
    if (sha256.equals(zeroHash)) done?.();
    else await sink.put(sha256, data, chunkKinds.data, done);
    sha256.copy(hashes, (index % leafHashes) * hashBytes);
  });
  await endLeaf();
  if (!gaveIt) throw new RangeError(`chunk ${mustGive} was short in the parent, and must be given`);
  const root = encodeManifest({ size: disk.size, leaves, ...(parent === undefined ? {} : { parent: parent.id }) });
  const id = sha256Of(root);
  await sink.put(id, root, chunkKinds.root);
  return id.toString('hex');
}
