// Reads one disk back whole, so that what is damaged of it is noted; what the reads give is not kept.
import { concurrently } from './concurrently.ts';
import { Fault } from '../errors/fault.ts';
import { openManifest } from './disk-reader.ts';
import { chunkCount, hashBytes, leafCount, zeroHash } from './manifest.ts';
import { type Vault } from './vault.ts';

const readersAtOnce = 4;

export interface CheckProgress {
  readonly chunks: number;
  readonly ofChunks: number;
}

/** What a repair can mend is no reason to end the check; that the store is away is. */
const isDamage = (error: unknown): boolean =>
  error instanceof Fault && ['vault.corrupt', 'vault.missing', 'vault.bad-format', 'not-found'].includes(error.code);

async function orDamaged<T>(read: Promise<T>): Promise<T | undefined> {
  try {
    return await read;
  } catch (error) {
    if (!isDamage(error)) throw error;
    return undefined;
  }
}

/** Throws `vault.unavailable` and the signal's reason. What was found is told by {@link lossOf} afterwards. */
export async function checkDisk(
  { reader }: Pick<Vault, 'reader'>,
  manifestId: string,
  { signal, onProgress }: { readonly signal: AbortSignal; readonly onProgress?: (progress: CheckProgress) => void },
): Promise<void> {
  const tree = await orDamaged(openManifest(reader, manifestId));
  if (tree === undefined) return;
  const { size } = tree.manifest;
  async function* wanted(): AsyncGenerator<{ readonly index: number; readonly sha256: Buffer }> {
    for (let number = 0; number < leafCount(size); number += 1) {
      const leaf = await orDamaged(tree?.leaf(number) ?? Promise.resolve(undefined));
      if (leaf === undefined) continue;
      for (let at = 0; at < leaf.length; at += hashBytes) {
        const sha256 = leaf.subarray(at, at + hashBytes);
        if (!sha256.equals(zeroHash)) yield { index: (number * leaf.length + at) / hashBytes, sha256 };
      }
    }
  }
  await concurrently(wanted(), readersAtOnce, async ({ index, sha256 }) => {
    signal.throwIfAborted();
    await orDamaged(reader.read(sha256, signal));
    onProgress?.({ chunks: index + 1, ofChunks: chunkCount(size) });
  });
}
