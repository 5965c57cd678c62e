// Passes the bytes of an image on while they are hashed, and fails at the end unless length and checksums are those that were signed.
import { checksumAlgorithms, type ImageMetadata } from '../metadata/model.ts';
import { type Digests, type HashPool } from './hash-pool.ts';
import { LocationFailure } from './reasons.ts';

export interface ProvenStream {
  /** To be read once, to its end: only then are the bytes proven. Throws a {@link LocationFailure}. */
  readonly pieces: AsyncIterable<Buffer>;
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
  async function* pieces(): AsyncGenerator<Buffer> {
    const hashes = pool.stream();
    let length = 0;
    try {
      for await (const piece of source) {
        length += piece.length;
        if (length > bytes) {
          throw new LocationFailure('mismatch', `it is longer than the ${bytes} bytes that were signed`);
        }
        await hashes.update(piece);
        passed(length);
        yield piece;
      }
      if (length !== bytes) {
        throw new LocationFailure('mismatch', `it is ${length} bytes long, and ${bytes} were signed`);
      }
      const digests = await hashes.digests();
      const wrong = difference(digests, checksums);
      if (wrong !== undefined) throw new LocationFailure('mismatch', wrong);
      result = digests;
    } finally {
      hashes.drop();
    }
  }
  return { pieces: pieces(), digests: () => result };
}
