// A disk as the vault holds it: verified chunks by number, behind a manifest that never changes.

/** Bytes of disk in one chunk; the last chunk of a disk may be shorter. */
export const chunkBytes = 256 * 1024;

export interface StoredDisk {
  /** SHA-256 of the manifest's root, hex. */
  readonly manifestId: string;
  /** Size of the raw disk in bytes, a multiple of 512. */
  readonly size: number;
  /** Whether the chunk is all zeros, and so stored nowhere. */
  isZeroChunk(index: number): boolean | Promise<boolean>;
  /** The chunk's bytes, proven against its SHA-256. Throws a `Fault` where no good copy can be had. */
  readChunk(index: number, signal?: AbortSignal): Promise<Buffer>;
  close(): Promise<void>;
}
