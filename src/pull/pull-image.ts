// One pull of one image: its locations in order, until one serves what was signed; then it is committed, and not before.
import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Agent } from 'undici';
import { Fault } from '../errors/fault.ts';
import { type ImageMetadata } from '../metadata/model.ts';
import { type DiskToWrite } from '../vault/disk-writer.ts';
import { type ImagePointer } from '../vault/records.ts';
import { type Vault } from '../vault/vault.ts';
import { type WriteSession } from '../vault/write-session.ts';
import { decompress } from './decompress.ts';
import { download, roomFault, type DownloadState } from './download.ts';
import { type HashPool } from './hash-pool.ts';
import { type Digests } from './hash-stream.ts';
import { type PullLimits } from './limits.ts';
import { openPartFile } from './part-file.ts';
import { openPartInVault, removePart, type PartInVault } from './part-in-vault.ts';
import { type ProgressMeter } from './progress.ts';
import { difference, provenStream, type ProvenStream } from './proven-stream.ts';
import { type Part } from './part.ts';
import { LocationFailure, type Attempt } from './reasons.ts';
import { goesInAsItComes, isDiskAsServed, isWeb, paddedSize } from './served-image.ts';
import { storeConverted } from './store-converted.ts';

export interface PullParts {
  readonly metadata: ImageMetadata;
  readonly vault: Vault;
  readonly workDir: string;
  readonly client: Agent;
  readonly pool: HashPool;
  readonly limits: PullLimits;
  readonly signal: AbortSignal;
  readonly meter: ProgressMeter;
  readonly pace: (bytes: number) => Promise<void>;
  readonly now: () => Date;
  /** It is in the vault already, and has lost some of its chunks there: they are written anew, and nothing else. */
  readonly repairs?: ImagePointer;
}

/** What a location's bytes became, ready to be committed. */
interface StoredImage {
  readonly manifestId: string;
  readonly size: number;
  readonly contentBytes: number;
  readonly diskSha256: string;
}

/** A compressed file may be a little longer than what is in it, and no more. */
const mostCompressed = (bytes: number): number => Math.ceil(bytes * 1.02) + 1024 * 1024;

const partPath = (workDir: string, identifier: string, location: string): string =>
  join(workDir, `${identifier}-${createHash('sha256').update(location).digest('hex').slice(0, 12)}.part`);

/** Pointers keep all four digests, so an entry that signed others than the one that was pulled can be judged too. */
export function checkPointer(pointer: ImagePointer, metadata: ImageMetadata): ImagePointer {
  const { verdict } = pointer;
  const wrong =
    verdict.bytes === metadata.bytes
      ? difference(verdict.checksums as Digests, metadata.checksums)
      : `it is ${verdict.bytes} bytes long, and ${metadata.bytes} were signed`;
  if (wrong === undefined) return pointer;
  throw new Fault('pull.refused', `The vault's image ${metadata.identifier} is not the one of this entry: ${wrong}.`);
}

/**
 * Throws `pull.refused` where a location served something else, `pull.unreachable` where none served anything, `pull.no-location`, `pull.no-room`,
 * `pull.unsafe`, `pull.tool-missing`, or the signal's reason.
 */
export async function pullImage(parts: PullParts): Promise<ImagePointer> {
  const { metadata, workDir, meter, signal } = parts;
  const { identifier } = metadata;
  const usable = metadata.locations.filter(isWeb);
  if (usable.length === 0) {
    throw new Fault('pull.no-location', `The entry of ${identifier} names no http or https location.`);
  }
  await mkdir(workDir, { recursive: true });
  const attempts: Attempt[] = [];
  for (const location of usable) {
    meter.update({ phase: 'fetching', location, fetchedBytes: 0, provenBytes: 0 });
    try {
      const pointer = await pullFrom(location, parts);
      for (const tried of usable) await removePart(partPath(workDir, identifier, tried), parts.vault);
      meter.update({ phase: 'done' });
      return pointer;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof LocationFailure)) throw error;
      attempts.push({ location, kind: error.kind, reason: error.message });
    }
  }
  const reasons = attempts.map(({ location, reason }) => `${location}: ${reason}`).join('. ');
  const refused = attempts.some(({ kind }) => kind === 'mismatch');
  throw new Fault(refused ? 'pull.refused' : 'pull.unreachable', `${reasons}.`, { details: { identifier, attempts } });
}

async function pullFrom(location: string, parts: PullParts): Promise<ImagePointer> {
  const path = partPath(parts.workDir, parts.metadata.identifier, location);
  const startsOver = 2;
  for (let turn = 0; ; turn += 1) {
    let state: DownloadState | undefined;
    try {
      return await attempt(location, path, parts, (latest) => {
        state = latest;
      });
    } catch (error) {
      if (!(error instanceof LocationFailure)) {
        // What cannot be used goes, and what fills the disk: the site's books may lie there too.
        if (error instanceof Fault && (error.code === 'pull.unsafe' || error.code === 'pull.no-room'))
          await removePart(path, parts.vault);
        throw error;
      }
      if (error.kind === 'unreachable' || error.kind === 'slow') {
        if ((state?.fetchedBytes ?? 0) === 0) await removePart(path, parts.vault);
        throw error;
      }
      await removePart(path, parts.vault);
      // What was on disk from an earlier time may be to blame for a mismatch: then the location gets another chance.
      const again = error.kind === 'changed' || (state !== undefined && state.resumedBytes > 0);
      if (!again || turn === startsOver) throw error;
    }
  }
}

async function attempt(
  location: string,
  path: string,
  parts: PullParts,
  onState: (state: DownloadState) => void,
): Promise<ImagePointer> {
  const { metadata, vault, meter, signal, limits } = parts;
  const { identifier, bytes, compression } = metadata;
  const format = metadata.format ?? 'raw';
  let finalLocation = location;
  const { session, part, taken } = await openPart(location, path, parts).catch((error: unknown) =>
    Promise.reject(roomFault(error)),
  );
  const fetched = download({
    client: parts.client,
    location,
    part,
    maxBytes: compression === undefined ? bytes : mostCompressed(bytes),
    exactBytes: compression === undefined ? bytes : undefined,
    limits,
    signal,
    pace: parts.pace,
    onState(state) {
      onState(state);
      finalLocation = state.url ?? finalLocation;
      const { fetchedBytes, totalBytes } = state;
      meter.update({ fetchedBytes, ...(totalBytes === undefined ? {} : { totalBytes }) });
    },
  });
  const proven = provenStream(decompress(fetched, compression), metadata, parts.pool, (provenBytes) =>
    meter.update({ provenBytes }),
  );
  try {
    const stored = isDiskAsServed(format)
      ? await storeAsItIs(session, proven, bytes, { signal, ...(taken === undefined ? {} : { taken }) })
      : await storeConverted(session, proven, format, {
          ...parts,
          path: `${path}.${vault.random(4).toString('hex')}.image`,
        });
    const checksums = proven.digests();
    if (checksums === undefined) throw new Fault('internal', 'A pull came to its end without its checksums.');
    signal.throwIfAborted();
    meter.update({ phase: 'storing' });
    if (parts.repairs !== undefined) {
      if (parts.repairs.manifestId !== stored.manifestId) {
        throw new Fault('vault.corrupt', `The image ${identifier} has become another disk by its conversion.`);
      }
      await session.commitRepair(stored.manifestId);
      return parts.repairs;
    }
    const { created, endorser } = metadata.endorsement;
    const pointer = await session.commitImage({
      identifier,
      ...stored,
      sourceFormat: format,
      verdict: {
        entry: { identifier, email: endorser.email, created },
        bytes,
        checksums,
        location,
        finalLocation,
        verified: parts.now().toISOString(),
      },
    });
    return checkPointer(pointer, metadata);
  } catch (error) {
    if (taken !== undefined && canGoOn(error, signal)) await session.suspend();
    throw error;
  } finally {
    await part.close();
    await session.abort();
  }
}

async function openPart(
  location: string,
  path: string,
  { metadata, vault, limits }: PullParts,
): Promise<{ session: WriteSession; part: Part; taken?: PartInVault['taken'] }> {
  if (goesInAsItComes(metadata, limits.partFileBytes)) return openPartInVault(path, location, vault);
  const session = await vault.beginWrite();
  try {
    return { session, part: await openPartFile(path, location) };
  } catch (error) {
    await session.abort();
    throw error;
  }
}

/** Whether a later pull may go on from what is in the vault. */
function canGoOn(error: unknown, signal: AbortSignal): boolean {
  if (signal.aborted) return true;
  if (error instanceof LocationFailure) return error.kind === 'unreachable' || error.kind === 'slow';
  return error instanceof Fault && error.code === 'vault.unavailable';
}

async function storeAsItIs(
  session: WriteSession,
  proven: ProvenStream,
  bytes: number,
  options: Pick<DiskToWrite, 'signal' | 'taken'>,
): Promise<StoredImage> {
  const size = paddedSize(bytes);
  const manifestId = await session.writeDisk({ size, chunks: proven.chunks, ...options });
  return { manifestId, size, contentBytes: bytes, diskSha256: proven.digests()?.['SHA-256'] ?? '' };
}
