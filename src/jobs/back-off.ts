// How long to wait before the next attempt: twice as long each time, up to a limit.

export interface BackOff {
  /** Before the second attempt, in ms. */
  readonly first: number;
  /** The longest wait, in ms. */
  readonly longest: number;
  /** Attempts in all. */
  readonly attempts: number;
}

/** The wait after so many failures (from 1), in ms; undefined when there have been attempts enough. */
export function backOff({ first, longest, attempts }: BackOff, failures: number): number | undefined {
  return failures >= attempts ? undefined : Math.min(longest, first * 2 ** Math.min(failures - 1, 52));
}
