// What the benchmark's processes have to agree on.

const prefix = 'iqn.2026-01.org.mintmark';

export const benchNames = {
  /** The file itself. */
  file: `${prefix}:bench`,
  /** A clone of an image, all of it resident. */
  clone: `${prefix}:clone`,
  /** The same behind CHAP, and a clone whose vault is slow. */
  hot: `${prefix}:hot`,
  slow: `${prefix}:slow`,
  /** Reads and writes nothing. */
  nothing: `${prefix}:nothing`,
} as const;

/** What the slow vault takes for a chunk. */
export const vaultMilliseconds = 5_000;

export const benchChap = { name: 'bench', secret: 'only for measuring' } as const;
