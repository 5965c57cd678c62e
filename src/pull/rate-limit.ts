// Holds a stream back to a number of bytes per second that can be changed while it runs; shared by all pulls of a process.
import { setTimeout as wait } from 'node:timers/promises';

export interface RateLimit {
  /** Bytes per second; undefined: as fast as it goes. */
  limit: number | undefined;
  /** Resolves when `bytes` more may pass. */
  take(bytes: number, signal: AbortSignal): Promise<void>;
}

/** The longest wait at a stretch, in ms: so soon a new limit counts. */
const longestWait = 250;

export function createRateLimit(limit: number | undefined, milliseconds: () => number): RateLimit {
  let allowance = 0;
  let last = milliseconds();
  const rate: RateLimit = {
    limit,
    async take(bytes, signal) {
      if (rate.limit === undefined) return;
      allowance -= bytes;
      while (rate.limit !== undefined) {
        const at = milliseconds();
        allowance = Math.min(allowance + ((at - last) * rate.limit) / 1000, rate.limit / 10);
        last = at;
        if (allowance >= 0) return;
        await wait(Math.min(longestWait, Math.max(1, (-allowance * 1000) / rate.limit)), undefined, { signal });
      }
      allowance = 0;
    },
  };
  return rate;
}
