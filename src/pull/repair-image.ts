// The repair of an image that is here: what it has lost comes from copies near by, and what these lack from its locations.
import { Fault } from '../errors/fault.ts';
import { type ImageMetadata } from '../metadata/model.ts';
import { checkDisk } from '../vault/check-disk.ts';
import { type ChunkSource, type SourcesFor } from '../vault/chunk-source.ts';
import { healFromCopies } from '../vault/heal-from-copies.ts';
import { isLost, lossOf, type Loss } from '../vault/lost.ts';
import { type ImagePointer } from '../vault/records.ts';
import { type Vault } from '../vault/vault.ts';
import { type Puller } from './puller.ts';
import { isWeb } from './served-image.ts';

export interface RepairParts {
  readonly vault: Vault;
  readonly puller: Pick<Puller, 'pull'>;
  /** Entries that describe the image: that of the pull first. */
  readonly descriptionsOf: (image: ImagePointer) => Promise<readonly ImageMetadata[]>;
  readonly sourcesFor: SourcesFor;
  /** A copy that an operator named, on the machine of this server. Throws a Fault where there is none. */
  readonly namedCopy: (path: string, image: ImagePointer) => Promise<ChunkSource>;
}

export interface RepairOptions {
  /** Reads all of the image first: damage may not be known yet. */
  readonly check: boolean;
  /** A copy that is tried before all others: a file, the folder of a vault, or an address of the web. */
  readonly from?: string | undefined;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Readonly<Record<string, unknown>>) => void;
}

export interface RepairResult {
  readonly manifestId: string;
  readonly size: number;
  /** Chunks that were lost, as far as that could be told. */
  readonly lostChunks: number;
  /** Where they came from. */
  readonly sources: readonly string[];
}

export type RepairImage = (image: ImagePointer, options: RepairOptions) => Promise<RepairResult>;

/** Failures after which another attempt at the same sources may do. */
const passing: ReadonlySet<string> = new Set(['pull.unreachable', 'vault.unavailable', 'db.unreachable']);

const countOf = ({ chunks, tree }: Loss): number => chunks.length + tree.length;

export function imageRepair({ vault, puller, descriptionsOf, sourcesFor, namedCopy }: RepairParts): RepairImage {
  async function copiesOf(image: ImagePointer, from: string | undefined): Promise<readonly ChunkSource[]> {
    const named = from === undefined || isWeb(from) ? [] : [await namedCopy(from, image)];
    return [...named, ...(await sourcesFor(image))];
  }

  /** The entries to pull by, the one with the address that was named first. */
  async function waysOf(image: ImagePointer, from: string | undefined): Promise<readonly ImageMetadata[]> {
    const entries = await descriptionsOf(image);
    const [first] = entries;
    const named = from === undefined || !isWeb(from) || first === undefined ? [] : [{ ...first, locations: [from] }];
    return [...named, ...entries];
  }

  return async (image, { check, from, signal, onProgress }) => {
    const { identifier, manifestId, size } = image;
    if (check)
      await checkDisk(vault, manifestId, { signal, onProgress: (told) => onProgress({ phase: 'checking', ...told }) });
    await vault.catalog.refresh();
    const before = await lossOf(vault, manifestId);
    const result = { manifestId, size, lostChunks: countOf(before) };
    if (!isLost(before)) return { ...result, sources: [] };

    const healed = await healFromCopies(vault, manifestId, await copiesOf(image, from), {
      signal,
      onProgress: (told) => onProgress({ phase: 'repairing', ...told }),
    });
    const lostChunks = Math.max(result.lostChunks, healed.repaired + countOf(healed.loss));
    if (!isLost(healed.loss)) return { ...result, lostChunks, sources: healed.sources };

    const failures: Fault[] = [];
    for (const metadata of await waysOf(image, from)) {
      try {
        await puller.pull(metadata, { heal: true, signal, onProgress: (told) => onProgress({ ...told }) });
        return { ...result, lostChunks, sources: [...healed.sources, 'its locations'] };
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof Fault)) throw error;
        failures.push(error);
      }
    }
    throw unrepaired(identifier, countOf(await lossOf(vault, manifestId)), healed.reasons, failures);
  };
}

function unrepaired(identifier: string, lost: number, copies: readonly string[], failures: readonly Fault[]): Fault {
  const [first] = failures;
  const reasons = [...copies, ...new Set(failures.map(({ message }) => message.replace(/\.$/u, '')))];
  if (first === undefined) reasons.push('no entry of it is known here, so there is no location to fetch it from');
  const message = `The image ${identifier} still lacks ${lost} of its chunks. ${reasons.join('. ')}.`;
  const later = failures.find(({ code }) => passing.has(code));
  const details = { identifier, lost, reasons };
  return later === undefined
    ? new Fault('pull.unrepaired', message, { details, cause: first })
    : new Fault(later.code, message, { details: { ...later.details, ...details }, cause: later });
}
