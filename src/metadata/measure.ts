// Reads an image once and computes its size and all four checksums (design/metadata.md §1).
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { type Readable } from 'node:stream';
import { openHashLanes, type HashLanes } from './hash-lane.ts';
import { checksumAlgorithms, type ChecksumAlgorithm, type Checksums } from './model.ts';

export interface Measurement {
  /** Bytes read. */
  readonly bytes: number;
  /** MD5, SHA-1, SHA-256 and SHA-512, lower-case hex. */
  readonly checksums: Required<Checksums>;
}

/** Called now and then with the number of bytes read so far. */
export type OnProgress = (bytes: number) => void;

/** Below this size threads take longer to start than the hashing takes. */
const smallBytes = 8 * 1024 * 1024;

const toChecksums = (digests: readonly (readonly [ChecksumAlgorithm, string])[]): Required<Checksums> =>
  Object.fromEntries(digests) as unknown as Required<Checksums>;

/**
 * Measures a file by its path, or whatever a stream gives. Rejects with the error of the file system or the stream, and
 * with the signal's reason once it is aborted.
 */
export async function measureImage(
  source: string | Readable,
  onProgress: OnProgress = () => undefined,
  signal?: AbortSignal,
): Promise<Measurement> {
  if (typeof source !== 'string') return withLanes((lanes) => measureStream(source, lanes, onProgress, signal));
  const file = await open(source);
  try {
    const { size } = await file.stat();
    if (size <= smallBytes) return measureSmall(await file.readFile(), onProgress);
    return await withLanes(async (lanes) => {
      let bytes = 0;
      for (;;) {
        signal?.throwIfAborted();
        const { slot, memory } = await lanes.take();
        const { bytesRead } = await file.read(memory, 0, memory.byteLength, bytes);
        if (bytesRead === 0) break;
        lanes.give(slot, bytesRead);
        bytes += bytesRead;
        onProgress(bytes);
      }
      return { bytes, checksums: toChecksums(await lanes.digests()) };
    });
  } finally {
    await file.close();
  }
}

function measureSmall(content: Buffer, onProgress: OnProgress): Measurement {
  const digests = checksumAlgorithms.map(
    (name) => [name, createHash(name.toLowerCase().replace('-', '')).update(content).digest('hex')] as const,
  );
  onProgress(content.byteLength);
  return { bytes: content.byteLength, checksums: toChecksums(digests) };
}

async function withLanes<Result>(work: (lanes: HashLanes) => Promise<Result>): Promise<Result> {
  const lanes = openHashLanes(availableParallelism());
  try {
    return await work(lanes);
  } finally {
    await lanes.close();
  }
}

async function measureStream(
  stream: Readable,
  lanes: HashLanes,
  onProgress: OnProgress,
  signal: AbortSignal | undefined,
): Promise<Measurement> {
  let bytes = 0;
  let current = await lanes.take();
  let filled = 0;
  for await (const piece of stream) {
    signal?.throwIfAborted();
    let rest = piece as Uint8Array;
    while (rest.byteLength > 0) {
      const part = rest.subarray(0, current.memory.byteLength - filled);
      current.memory.set(part, filled);
      filled += part.byteLength;
      rest = rest.subarray(part.byteLength);
      if (filled === current.memory.byteLength) {
        lanes.give(current.slot, filled);
        current = await lanes.take();
        filled = 0;
      }
    }
    bytes += (piece as Uint8Array).byteLength;
    onProgress(bytes);
  }
  lanes.give(current.slot, filled);
  return { bytes, checksums: toChecksums(await lanes.digests()) };
}
