// Fetches again what a stored image has lost: only the lost bytes where a location serves ranges of a raw disk, else all of it.
import { type Agent } from 'undici';
import { Fault } from '../errors/fault.ts';
import { isLost, lossOf, type Loss } from '../vault/lost.ts';
import { chunkKinds } from '../vault/pack.ts';
import { type ImagePointer } from '../vault/records.ts';
import { repairChunks } from '../vault/repair-chunks.ts';
import { chunkBytes } from '../vault/stored-disk.ts';
import { type Vault } from '../vault/vault.ts';
import { askLocation } from './http-location.ts';
import { type PullLimits } from './limits.ts';
import { pullImage, type PullParts } from './pull-image.ts';
import { describe, LocationFailure } from './reasons.ts';
import { isDiskAsServed, isWeb } from './served-image.ts';

/** Neighbours are fetched in one request, up to this many chunks. */
const mostChunks = 64;
/** Above this share of the disk all of it is fetched: many small requests would take longer. */
const mostOfDisk = 0.25;

interface Run {
  readonly first: number;
  readonly hashes: readonly Buffer[];
}

/** Lost chunks as runs of neighbours. */
export function runsOf(chunks: Loss['chunks']): Run[] {
  const runs: { first: number; hashes: Buffer[] }[] = [];
  for (const { index, sha256 } of chunks) {
    const last = runs.at(-1);
    if (last !== undefined && last.first + last.hashes.length === index && last.hashes.length < mostChunks)
      last.hashes.push(sha256);
    else runs.push({ first: index, hashes: [sha256] });
  }
  return runs;
}

interface RangeParts {
  readonly client: Agent;
  readonly limits: PullLimits;
  readonly signal: AbortSignal;
  readonly pace: (bytes: number) => Promise<void>;
}

/** Exactly these bytes of the file. Throws a {@link LocationFailure}. */
async function fetchRange(location: string, offset: number, length: number, parts: RangeParts): Promise<Buffer> {
  const wanted = { offset, length, validator: undefined };
  const { body, ...answer } = await askLocation(parts.client, location, wanted, parts.limits, parts.signal);
  try {
    if (answer.offset !== offset) throw new LocationFailure('unreachable', 'it does not serve ranges');
    const bytes = Buffer.alloc(length);
    let filled = 0;
    for await (const piece of body.pieces) {
      const taken = piece.copy(bytes, filled);
      filled += taken;
      await parts.pace(taken);
      if (filled === length) return bytes;
    }
    throw new LocationFailure('unreachable', 'the connection ended before the range did');
  } finally {
    body.destroy();
  }
}

/** What should be the chunks of a run. */
async function fetchRun(run: Run, pointer: ImagePointer, location: string, parts: RangeParts): Promise<Buffer[]> {
  const offset = run.first * chunkBytes;
  const end = Math.min((run.first + run.hashes.length) * chunkBytes, pointer.size);
  const bytes = Buffer.alloc(end - offset);
  (await fetchRange(location, offset, Math.min(end, pointer.contentBytes) - offset, parts)).copy(bytes);
  return run.hashes.map((_, number) =>
    bytes.subarray(number * chunkBytes, Math.min(bytes.length, (number + 1) * chunkBytes)),
  );
}

/** False: no location serves these ranges. */
async function healByRanges(vault: Vault, pointer: ImagePointer, loss: Loss, parts: PullParts): Promise<boolean> {
  const { metadata, meter, signal } = parts;
  const runs = runsOf(loss.chunks);
  const totalBytes = loss.chunks.length * chunkBytes;
  for (const location of metadata.locations.filter(isWeb)) {
    try {
      await repairChunks(vault, async (put) => {
        let fetchedBytes = 0;
        for (const run of runs) {
          const chunks = await fetchRun(run, pointer, location, parts);
          for (const [number, chunk] of chunks.entries()) {
            fetchedBytes += chunk.length;
            if (!(await put(run.hashes[number] ?? Buffer.alloc(0), chunk, chunkKinds.data)))
              throw new LocationFailure('mismatch', 'its bytes are not those of the image');
          }
          meter.update({ phase: 'fetching', location, fetchedBytes, totalBytes });
        }
      });
      return true;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof Fault) throw error;
      // The next location may have it; describe() keeps what is not an error from being lost without a trace.
      if (!(error instanceof LocationFailure)) throw new Fault('internal', describe(error), { cause: error });
    }
  }
  return false;
}

/**
 * Brings back what the image has lost, and does nothing where it has lost nothing. Throws what a pull throws, and `vault.corrupt` where the
 * locations no longer serve what makes this very disk.
 */
export async function healImage(pointer: ImagePointer, parts: PullParts): Promise<void> {
  const { vault, metadata, meter } = parts;
  const { identifier, manifestId } = pointer;
  await vault.catalog.refresh();
  const loss = await lossOf(vault, manifestId);
  if (!isLost(loss)) return;
  const few = loss.chunks.length <= Math.max(mostChunks, (pointer.size / chunkBytes) * mostOfDisk);
  if (loss.tree.length === 0 && few && isDiskAsServed(pointer.sourceFormat) && metadata.compression === undefined) {
    if (await healByRanges(vault, pointer, loss, parts)) {
      meter.update({ phase: 'done' });
      return;
    }
  }
  await pullImage({ ...parts, repairs: pointer });
  if (isLost(await lossOf(vault, manifestId)))
    throw new Fault('vault.corrupt', `The image ${identifier} was fetched again, and still lacks a part.`);
}
