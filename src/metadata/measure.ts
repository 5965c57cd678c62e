// Reads an image once and computes its size and all four checksums (design/metadata.md §1).
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type Readable } from 'node:stream';
import { checksumAlgorithms, type Checksums } from './model.ts';

export interface Measurement {
  /** Bytes read. */
  readonly bytes: number;
  /** MD5, SHA-1, SHA-256 and SHA-512, lower-case hex. */
  readonly checksums: Required<Checksums>;
}

/** Called now and then with the number of bytes read so far. */
export type OnProgress = (bytes: number) => void;

/** Bytes read from a file at a time. */
const pieceBytes = 1024 * 1024;

/**
 * Measures a file by its path, or whatever a stream gives. Rejects with the error of the file system or the stream, and
 * with the signal's reason once it is aborted.
 */
export async function measureImage(
  source: string | Readable,
  onProgress: OnProgress = () => undefined,
  signal?: AbortSignal,
): Promise<Measurement> {
  const stream = typeof source === 'string' ? createReadStream(source, { highWaterMark: pieceBytes }) : source;
  const hashes = checksumAlgorithms.map((name) => [name, createHash(name.toLowerCase().replace('-', ''))] as const);
  let bytes = 0;
  for await (const piece of stream) {
    signal?.throwIfAborted();
    const buffer = piece as Buffer;
    for (const [, hash] of hashes) hash.update(buffer);
    bytes += buffer.byteLength;
    onProgress(bytes);
  }
  const checksums = Object.fromEntries(hashes.map(([name, hash]) => [name, hash.digest('hex')]));
  return { bytes, checksums: checksums as unknown as Required<Checksums> };
}
