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

/** One chunk of a disk that is being written. The bytes are the vault's from then on: they must not change any more. */
export interface DiskChunk {
  readonly index: number;
  /** {@link chunkBytes} long, or as long as the disk goes on from there. */
  readonly data: Buffer;
}

/** Where a disk writer puts chunks; it skips those that are there. */
export interface ChunkSink {
  put(sha256: Buffer, bytes: Buffer, kind: ChunkKind): Promise<void>;
}

export interface DiskToWrite {
  /** Bytes, a multiple of 512, at most 64 TiB. */
  readonly size: number;
  /** In ascending order of their numbers. What is left out is as in the parent, or zero without one. */
  readonly chunks: AsyncIterable<DiskChunk> | Iterable<DiskChunk>;
  readonly signal?: AbortSignal;
}

const digestsAhead = 8;
const zeroChunk = Buffer.alloc(chunkBytes);
const isZeros = (bytes: Buffer): boolean => zeroChunk.compare(bytes, 0, bytes.length, 0, bytes.length) === 0;

/** Off the event loop: a chunk takes a fifth of a millisecond. */
async function digestOf(bytes: Buffer): Promise<Buffer> {
  return isZeros(bytes) ? zeroHash : Buffer.from(await webcrypto.subtle.digest('SHA-256', bytes));
}

function checkSize(size: number): void {
  if (!Number.isSafeInteger(size) || size < 0 || size > maxDiskBytes || size % 512 !== 0) {
    throw new Fault('usage', `A disk of ${size} bytes cannot be kept: its size is a multiple of 512, up to 64 TiB.`);
  }
}

/** Digests a few chunks ahead, and hands them on in order. */
async function* digested(disk: DiskToWrite): AsyncGenerator<DiskChunk & { readonly sha256: Buffer }> {
  const ahead: { chunk: DiskChunk; sha256: Promise<Buffer> }[] = [];
  const chunks = chunkCount(disk.size);
  let previous = -1;
  const next = async (): Promise<(DiskChunk & { readonly sha256: Buffer }) | undefined> => {
    const first = ahead.shift();
    return first === undefined ? undefined : { ...first.chunk, sha256: await first.sha256 };
  };
  for await (const chunk of disk.chunks) {
    disk.signal?.throwIfAborted();
    const { index, data } = chunk;
    if (index <= previous || index >= chunks || data.length !== Math.min(chunkBytes, disk.size - index * chunkBytes)) {
      throw new RangeError(
        `chunk ${index} of ${data.length} bytes does not fit a disk of ${disk.size} bytes, after ${previous}`,
      );
    }
    previous = index;
    const sha256 = digestOf(data);
    sha256.catch(() => undefined);
    ahead.push({ chunk, sha256 });
    const done = ahead.length > digestsAhead ? await next() : undefined;
    if (done !== undefined) yield done;
  }
  for (let done = await next(); done !== undefined; done = await next()) yield done;
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

  for await (const { index, data, sha256 } of digested(disk)) {
    const number = Math.floor(index / leafHashes);
    gaveIt ||= index === mustGive;
    if (current?.number !== number) {
      await endLeaf();
      current = await startLeaf(number);
    }
    if (!sha256.equals(zeroHash)) await sink.put(sha256, data, chunkKinds.data);
    sha256.copy(current.hashes, (index % leafHashes) * hashBytes);
  }
  await endLeaf();
  if (!gaveIt) throw new RangeError(`chunk ${mustGive} was short in the parent, and must be given`);
  const root = encodeManifest({ size: disk.size, leaves, ...(parent === undefined ? {} : { parent: parent.id }) });
  const id = sha256Of(root);
  await sink.put(id, root, chunkKinds.root);
  return id.toString('hex');
}
