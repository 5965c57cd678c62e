// How a connection to SQLite is set, in whichever thread it is.

/** Page cache of one connection, in KiB. */
const cacheKiB = 64 * 1024;
/** How long a write waits for another process that is writing, in milliseconds. */
const busyTimeoutMs = 10_000;

/** Commits return after the write-ahead log has been synced: what was acknowledged is there after a power cut. */
export const writerPragmas: readonly string[] = [
  `busy_timeout = ${busyTimeoutMs}`,
  'journal_mode = WAL',
  'synchronous = FULL',
  'foreign_keys = ON',
  'trusted_schema = OFF',
  `cache_size = -${cacheKiB}`,
];

export const readerPragmas: readonly string[] = [
  `busy_timeout = ${busyTimeoutMs}`,
  'query_only = ON',
  'trusted_schema = OFF',
  `cache_size = -${cacheKiB}`,
];
