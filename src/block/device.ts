// A disk that can be read and written in sectors: the one interface between storage and protocols.

/** Logical block (sector) in bytes: every offset, length and size is a multiple of it. */
export const sectorBytes = 512;

/** How a run of bytes is kept, as GET LBA STATUS (SBC-3 §5.6) and NBD block status speak of it. */
export type Allocation = 'data' | 'zero';

export interface Extent {
  /** First byte of the run. */
  readonly offset: number;
  /** Length of the run in bytes. */
  readonly length: number;
  readonly allocation: Allocation;
}

/**
 * A block device. Offsets and lengths are in bytes, multiples of {@link sectorBytes}, and lie inside `size`: whoever
 * takes numbers from outside checks them first.
 *
 * Each operation either finishes before it returns (`undefined`: the bytes are resident, the hot path) or returns a
 * promise. It throws, or rejects with, a `Fault` where the bytes cannot be had.
 */
export interface BlockDevice {
  /** Size in bytes. It may grow while the device is open (resize), never shrink. */
  readonly size: number;
  readonly readOnly: boolean;
  /** Fills `into` with the bytes at `offset`. */
  read(offset: number, into: Buffer): undefined | Promise<void>;
  /**
   * Writes all of `data` at `offset`. Once done, the bytes survive the end of this process, though not of the machine.
   * `data` is the caller's again when this returns: a device that finishes later works on a copy.
   */
  write(offset: number, data: Buffer): undefined | Promise<void>;
  /** Makes all writes that were answered before this call survive a power cut. */
  flush(): undefined | Promise<void>;
  /** Gives the space back; the run reads as zeros from then on. */
  unmap(offset: number, length: number): undefined | Promise<void>;
  /** Makes the run read as zeros, giving space back where it can. */
  writeZeroes(offset: number, length: number): undefined | Promise<void>;
  /** The runs that cover [offset, offset + length), in order and without gaps. What is not cached yet is 'data'. */
  extents(offset: number, length: number): readonly Extent[] | Promise<readonly Extent[]>;
  /** Releases what the device holds; no call may follow. */
  close(): Promise<void>;
}
