// Every limit of a pull, with its unit.

export interface PullLimits {
  /** To connect, TLS included, in ms. */
  readonly connectTimeout: number;
  /** From the request to the headers of the answer, in ms. */
  readonly headersTimeout: number;
  /** Between two pieces of the body, in ms. */
  readonly bodyTimeout: number;
  /** A location that sends less than this for `slowTime` is given up, in bytes per second. */
  readonly leastRate: number;
  /** In ms of waiting for the location; waiting for anything here does not count. */
  readonly slowTime: number;
  /** Redirects in a row. */
  readonly redirects: number;
  /** Times that a broken connection is taken up again without any progress in between. */
  readonly retries: number;
  /** First wait before a broken connection is taken up again, in ms; it doubles each time. */
  readonly retryWait: number;
  /** Greatest size of a disk that a format such as qcow2 may claim, in bytes. */
  readonly diskBytes: number;
  /** A conversion that takes longer is ended, in ms. */
  readonly conversionTime: number;
  /**
   * Files up to this length are kept in the folder for pulls as they come, so that not a byte is fetched twice after a kill; of longer ones, where the
   * vault can take them as they come, only what it has: what was in hand, up to three packs, is fetched again. In bytes.
   */
  readonly partFileBytes: number;
}

export const defaultLimits: PullLimits = {
  connectTimeout: 10_000,
  headersTimeout: 30_000,
  bodyTimeout: 30_000,
  leastRate: 4096,
  slowTime: 60_000,
  redirects: 5,
  retries: 5,
  retryWait: 500,
  diskBytes: 2 * 1024 ** 4,
  conversionTime: 2 * 60 * 60 * 1000,
  partFileBytes: 64 * 1024 ** 2,
};
