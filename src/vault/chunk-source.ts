// Where the bytes of a lost chunk may be had beside the packs of the vault. Nothing of it is believed before it is proven.
import { type ChunkKind } from './pack.ts';

export interface WantedChunk {
  readonly kind: ChunkKind;
  /** Number of the chunk in the disk, or of the leaf in its tree; 0 for the root. */
  readonly index: number;
  readonly sha256: Buffer;
}

/** The disk that has lost something. */
export interface DamagedDisk {
  readonly manifestId: string;
  /** Bytes. */
  readonly size: number;
}

/** Copies of the chunks of one disk. */
export interface ChunkSource {
  /** For people: where the copies lie. */
  readonly name: string;
  /** What may be the chunk: whoever asks proves it. Undefined: there is none here. Throws a Fault where the source cannot be read. */
  read(wanted: WantedChunk, signal: AbortSignal): Promise<Buffer | undefined>;
}

/** The sources that there are for a disk, the nearest first. */
export type SourcesFor = (disk: DamagedDisk) => Promise<readonly ChunkSource[]>;
