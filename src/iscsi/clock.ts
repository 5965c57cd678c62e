// Time as the target sees it, so that tests can hand it another.

export interface Clock {
  /** Milliseconds that only ever grow. */
  now(): number;
  /** Calls `tick` every so many milliseconds, until the returned function is called. Does not keep the process alive. */
  every(milliseconds: number, tick: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  every(milliseconds, tick) {
    const timer = setInterval(tick, milliseconds);
    timer.unref();
    return () => clearInterval(timer);
  },
};
