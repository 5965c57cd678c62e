// Heals a disk from copies of its chunks that lie elsewhere: chunk by chunk, from whichever source has a sound one.
import { Fault } from '../errors/fault.ts';
import { type ChunkSource, type WantedChunk } from './chunk-source.ts';
import { isLost, lossOf, type Loss } from './lost.ts';
import { chunkKinds } from './pack.ts';
import { repairChunks } from './repair-chunks.ts';
import { type Vault } from './vault.ts';

export interface HealProgress {
  /** Chunks that were brought back, and those that are known to be lost; a lost tree hides how many there are. */
  readonly chunks: number;
  readonly ofChunks: number;
  readonly source: string;
}

export interface HealOptions {
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: HealProgress) => void;
}

export interface HealReport {
  readonly repaired: number;
  /** Names of the sources that the chunks came from. */
  readonly sources: readonly string[];
  /** Why sources could not be read. */
  readonly reasons: readonly string[];
  /** What is still lost. */
  readonly loss: Loss;
}

const wantedOf = ({ chunks, tree }: Loss): readonly WantedChunk[] => [
  ...tree,
  ...chunks.map(({ index, sha256 }) => ({ kind: chunkKinds.data, index, sha256 })),
];

/** Throws the signal's reason, and what the vault throws; what a source throws makes it one that has nothing. */
export async function healFromCopies(
  vault: Vault,
  manifestId: string,
  sources: readonly ChunkSource[],
  { signal, onProgress }: HealOptions,
): Promise<HealReport> {
  const used = new Set<string>();
  const reasons = new Map<string, string>();
  let repaired = 0;

  async function readFrom(source: ChunkSource, wanted: WantedChunk): Promise<Buffer | undefined> {
    if (reasons.has(source.name)) return undefined;
    try {
      return await source.read(wanted, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof Fault)) throw error;
      reasons.set(source.name, error.message);
      return undefined;
    }
  }

  /** How many came back. */
  async function turn(wanted: readonly WantedChunk[]): Promise<number> {
    let brought = 0;
    await repairChunks(vault, async (put) => {
      for (const chunk of wanted) {
        for (const source of sources) {
          signal.throwIfAborted();
          const bytes = await readFrom(source, chunk);
          if (bytes === undefined || !(await put(chunk.sha256, bytes, chunk.kind))) continue;
          used.add(source.name);
          brought += 1;
          onProgress?.({ chunks: repaired + brought, ofChunks: repaired + wanted.length, source: source.name });
          break;
        }
      }
    });
    return brought;
  }

  // What a lost root or leaf hides is seen once that is back.
  for (;;) {
    const loss = await lossOf(vault, manifestId);
    const brought = isLost(loss) && sources.length > 0 ? await turn(wantedOf(loss)) : 0;
    repaired += brought;
    if (brought === 0) {
      const why = [...reasons].map(([name, reason]) => `${name}: ${reason}`);
      return { repaired, sources: [...used], reasons: why, loss };
    }
  }
}
