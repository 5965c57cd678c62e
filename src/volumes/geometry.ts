// The numbers that every volume shares: the block of copy-on-write, and how large a disk may be.

/** Copy-on-write block in bytes; initiators see it as the optimal granularity of transfers and UNMAPs. */
export const blockBytes = 4096;

/** Largest disk in bytes (16 TiB): block numbers stay below 2^32. */
export const largestDiskBytes = 16 * 1024 ** 4;

/** How many copy-on-write blocks cover `bytes`. */
export function blocksOf(bytes: number): number {
  return Math.ceil(bytes / blockBytes);
}
