// Time-boxes an asynchronous property without leaving work behind: fast-check's own interruption gives up waiting for the
// run that is under way, which then goes on while the test cleans up.

/**
 * The predicate, until `milliseconds` have passed since its first call; later calls return at once. A run that has begun
 * is always waited for.
 */
export function withinTime<Arguments extends readonly unknown[]>(
  milliseconds: number,
  predicate: (...values: Arguments) => Promise<boolean | void>,
): (...values: Arguments) => Promise<boolean | void> {
  let until: number | undefined;
  return async (...values) => {
    until ??= performance.now() + milliseconds;
    return performance.now() < until ? await predicate(...values) : true;
  };
}
