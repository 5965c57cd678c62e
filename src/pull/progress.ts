// How far a pull is: bytes, rate and time left, as the CLI, the API and the page show it.

export type PullPhase = 'waiting' | 'fetching' | 'converting' | 'storing' | 'done';

export interface PullProgress {
  readonly identifier: string;
  readonly phase: PullPhase;
  /** The location that is tried now. */
  readonly location?: string;
  /** Bytes fetched of the file as it is served. */
  readonly fetchedBytes: number;
  /** Its length, where the location tells it. */
  readonly totalBytes?: number;
  /** Bytes of the image that were hashed; `signedBytes` when all were. */
  readonly provenBytes: number;
  readonly signedBytes: number;
  /** Over the last few seconds. */
  readonly bytesPerSecond: number;
  /** Time left of the phase `fetching`, in s, where it can be told. */
  readonly secondsLeft?: number;
}

export interface ProgressMeter {
  update(change: Partial<Omit<PullProgress, 'identifier' | 'signedBytes' | 'bytesPerSecond' | 'secondsLeft'>>): void;
  readonly current: PullProgress;
}

const windowLength = 5000;
const reportEvery = 200;

/** Reports at most five times a second, and every change of phase. */
export function createProgressMeter(
  identifier: string,
  signedBytes: number,
  now: () => Date,
  report: (progress: PullProgress) => void,
): ProgressMeter {
  let current: PullProgress = {
    identifier,
    phase: 'waiting',
    fetchedBytes: 0,
    provenBytes: 0,
    signedBytes,
    bytesPerSecond: 0,
  };
  let reported = Number.NEGATIVE_INFINITY;
  let samples: { readonly at: number; readonly bytes: number }[] = [];

  function rate(at: number, bytes: number): number {
    if ((samples.at(-1)?.bytes ?? 0) > bytes) samples = [];
    samples.push({ at, bytes });
    while (samples.length > 2 && at - (samples[0]?.at ?? at) > windowLength) samples.shift();
    const [first] = samples;
    return first === undefined || at <= first.at ? 0 : ((bytes - first.bytes) * 1000) / (at - first.at);
  }

  return {
    get current() {
      return current;
    },
    update(change) {
      const at = now().getTime();
      const newPhase = change.phase !== undefined && change.phase !== current.phase;
      current = { ...current, ...change };
      if (!newPhase && at - reported < reportEvery) return;
      reported = at;
      const bytesPerSecond = Math.round(rate(at, current.fetchedBytes));
      const { secondsLeft: _, ...rest } = current;
      const left = current.totalBytes === undefined ? undefined : current.totalBytes - current.fetchedBytes;
      const known = current.phase === 'fetching' && left !== undefined && bytesPerSecond > 0;
      current = { ...rest, bytesPerSecond, ...(known ? { secondsLeft: Math.ceil(left / bytesPerSecond) } : {}) };
      report(current);
    },
  };
}
