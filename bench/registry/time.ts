// How long many requests took, as the middle and the slow end.
import { performance } from 'node:perf_hooks';

export interface Times {
  readonly requests: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly perSecond: number;
}

/** Runs `request` `count` times, `inFlight` at once. */
export async function timed(
  count: number,
  inFlight: number,
  request: (number: number) => Promise<unknown>,
): Promise<Times> {
  const times: number[] = [];
  let next = 0;
  const started = performance.now();
  const worker = async (): Promise<void> => {
    while (next < count) {
      const number = next;
      next += 1;
      const begin = performance.now();
      await request(number);
      times.push(performance.now() - begin);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  const seconds = (performance.now() - started) / 1000;
  times.sort((a, b) => a - b);
  const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
  return { requests: count, p50: at(0.5), p99: at(0.99), perSecond: count / seconds };
}
