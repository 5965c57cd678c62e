// Passes the bytes of an image on while they are hashed, and fails at the end unless length and checksums are those that were signed.
import { checksumAlgorithms, type ImageMetadata } from '../metadata/model.ts';
import { type DiskChunk } from '../vault/disk-writer.ts';
import { type HashPool } from './hash-pool.ts';
import { type Digests, type HashStream } from './hash-stream.ts';
import { LocationFailure } from './reasons.ts';

export interface ProvenStream {
  /** To be read once, to its end: only then are the bytes proven. Throws a {@link LocationFailure}. */
  readonly pieces: AsyncIterable<Buffer>;
  /** The same as chunks of a disk, the last padded with zeros to a whole sector: one of the two is to be read. */
  readonly chunks: AsyncIterable<DiskChunk>;
  /** What was computed, once the pieces have ended without an error. */
  digests(): Digests | undefined;
}

/** What differs from the signed checksums, or undefined where nothing does. */
export function difference(digests: Digests, signed: ImageMetadata['checksums']): string | undefined {
  const wrong = checksumAlgorithms.filter((name) => signed[name] !== undefined && signed[name] !== digests[name]);
  if (wrong.length === 0) return undefined;
  return wrong.map((name) => `its ${name} is ${digests[name]}, and ${signed[name] ?? ''} was signed`).join('; ');
}

/** `passed` is told how many bytes of the image have gone by. */
export function provenStream(
  source: AsyncIterable<Buffer>,
  { bytes, checksums }: Pick<ImageMetadata, 'bytes' | 'checksums'>,
  pool: HashPool,
  passed: (bytes: number) => void,
): ProvenStream {
  let result: Digests | undefined;
  async function* measured(): AsyncGenerator<Buffer> {
    let length = 0;
    for await (const piece of source) {
      length += piece.length;
      if (length > bytes) {
        throw new LocationFailure('mismatch', `it is longer than the ${bytes} bytes that were signed`);
      }
      yield piece;
      passed(length);
    }
    if (length !== bytes) {
      throw new LocationFailure('mismatch', `it is ${length} bytes long, and ${bytes} were signed`);
    }
  }
  async function* proven<T>(read: (hashes: HashStream) => AsyncIterable<T>): AsyncGenerator<T> {
    const hashes = pool.stream();
    try {
      yield* read(hashes);
      const digests = await hashes.digests();
      const wrong = difference(digests, checksums);
      if (wrong !== undefined) throw new LocationFailure('mismatch', wrong);
      result = digests;
    } finally {
      hashes.drop();
    }
  }
  async function* hashedPieces(hashes: HashStream): AsyncGenerator<Buffer> {
    for await (const piece of measured()) {
      await hashes.update(piece);
      yield piece;
    }
  }
  return {
    pieces: proven(hashedPieces),
    chunks: proven((hashes) => hashes.chunks(measured())),
    digests: () => result,
  };
}
