// The pulls of one process: each image is fetched once, however many ask for it.
import { Fault } from '../errors/fault.ts';
import { type ImageMetadata } from '../metadata/model.ts';
import { isLost, lossOf } from '../vault/lost.ts';
import { type ImagePointer } from '../vault/records.ts';
import { type Vault } from '../vault/vault.ts';
import { type AddressPolicy } from './address-policy.ts';
import { createHashPool } from './hash-pool.ts';
import { healImage } from './heal-image.ts';
import { createWebClient, type ResolveName } from './http-location.ts';
import { removeLeftovers, sweepWorkFolder } from './leftovers.ts';
import { defaultLimits, type PullLimits } from './limits.ts';
import { type ProbeLocation } from './location-health.ts';
import { locationProbe } from './probe-location.ts';
import { createProgressMeter, type PullProgress } from './progress.ts';
import { checkPointer, pullImage } from './pull-image.ts';
import { createRateLimit } from './rate-limit.ts';
import { createSpaceLedger, type FreeSpace } from './space.ts';

export interface PullerSettings {
  readonly vault: Vault;
  /** Folder for what is being fetched, on a disk with room for a few images. */
  readonly workDir: string;
  readonly allowAddress: AddressPolicy;
  readonly limits?: Partial<PullLimits>;
  /** Bytes per second over all pulls; undefined: as fast as it goes. */
  readonly bytesPerSecond?: number;
  readonly now?: () => Date;
  readonly resolveName?: ResolveName;
  readonly freeSpace?: FreeSpace;
  /** Sets aside so many bytes of the vault before a pull, and returns how to give them back. Default: there is always room. */
  readonly room?: (bytes: number) => Promise<() => void>;
}

export interface PullOptions {
  /** Gives this caller up; the pull itself ends when nobody waits for it any more. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: PullProgress) => void;
  /** Look for what the image has lost even where no damage is known: packs may be missing. */
  readonly heal?: boolean;
}

export interface Puller {
  /**
   * The image's pointer, from the vault where it is there, else after a pull. What a stored image has lost, as far as it is known, is fetched
   * again. Throws what {@link pullImage} throws. */
  pull(metadata: ImageMetadata, options?: PullOptions): Promise<ImagePointer>;
  /** See {@link ProbeLocation}. */
  readonly probe: ProbeLocation;
  /** Bytes per second over all pulls; undefined: as fast as it goes. It counts at once. */
  setRate(bytesPerSecond: number | undefined): void;
  /** The one in force. */
  rate(): number | undefined;
  /** Removes what killed processes left in the folder for pulls, except what can be gone on from. To be called at the start. */
  sweep(): Promise<void>;
  /** Cancels what runs, and ends the threads. */
  close(): Promise<void>;
}

interface Running {
  readonly result: Promise<ImagePointer>;
  readonly cancelled: AbortController;
  readonly listeners: Set<(progress: PullProgress) => void>;
  waiting: number;
}

export function createPuller(settings: PullerSettings): Puller {
  const { vault, workDir, allowAddress, now = () => new Date(), freeSpace } = settings;
  const { room = () => Promise.resolve(() => undefined) } = settings;
  const limits = { ...defaultLimits, ...settings.limits };
  const client = createWebClient(allowAddress, limits, settings.resolveName);
  const pool = createHashPool();
  const rate = createRateLimit(settings.bytesPerSecond, () => now().getTime());
  const space = createSpaceLedger(workDir, limits.partFileBytes, freeSpace);
  const pulls = new Map<string, Running>();
  let closed = false;

  /** On the disk of the folder for pulls, and under the quota of the vault: there what is lost is counted still, so it needs no room. */
  async function reserve(metadata: ImageMetadata, heals: boolean): Promise<() => void> {
    const release = await space.reserve(metadata);
    if (heals) return release;
    try {
      const giveBack = await room(metadata.bytes);
      return () => {
        release();
        giveBack();
      };
    } catch (error) {
      release();
      throw error;
    }
  }

  function begin(metadata: ImageMetadata, heal?: boolean): Running {
    const { identifier } = metadata;
    const cancelled = new AbortController();
    const listeners = new Set<(progress: PullProgress) => void>();
    const pace = (bytes: number): Promise<void> => rate.take(bytes, cancelled.signal);
    const work = async (): Promise<ImagePointer> => {
      const there = await vault.image(identifier);
      if (there !== undefined) {
        checkPointer(there, metadata);
        const suspect = heal === true || vault.isSuspect;
        if (!suspect || !isLost(await lossOf(vault, there.manifestId))) {
          await removeLeftovers(workDir, identifier, vault);
          return there;
        }
      }
      const release = await reserve(metadata, there !== undefined);
      const meter = createProgressMeter(identifier, metadata.bytes, now, (progress) => {
        for (const listener of listeners) listener(progress);
      });
      try {
        const { signal } = cancelled;
        const parts = { metadata, vault, workDir, client, pool, limits, signal, meter, pace, now };
        if (there !== undefined) await healImage(there, parts);
        const pointer = there ?? (await pullImage(parts));
        return pointer;
      } catch (error) {
        if (cancelled.signal.aborted) throw new Fault('pull.cancelled', `The pull of ${identifier} was cancelled.`);
        throw error;
      } finally {
        release();
      }
    };
    const running: Running = {
      result: work().finally(() => pulls.delete(identifier)),
      cancelled,
      listeners,
      waiting: 0,
    };
    running.result.catch(() => undefined);
    pulls.set(identifier, running);
    return running;
  }

  /** Waits for the end of a pull that nobody wants any more: who asks for the image now must not be told that it was cancelled. */
  async function endOfGivenUp(identifier: string): Promise<void> {
    for (let ending = pulls.get(identifier); ending?.cancelled.signal.aborted === true; ending = pulls.get(identifier))
      await ending.result.catch(() => undefined);
  }

  return {
    async pull(metadata, { signal, onProgress, heal } = {}) {
      await endOfGivenUp(metadata.identifier);
      signal?.throwIfAborted();
      if (closed) throw new Fault('pull.cancelled', 'No more images are pulled here.');
      const running = pulls.get(metadata.identifier) ?? begin(metadata, heal);
      running.waiting += 1;
      if (onProgress !== undefined) running.listeners.add(onProgress);
      const gaveUp = new AbortController();
      try {
        // Another entry of the same image may have signed other checksums than the one that is being pulled for.
        const result = running.result.then((pointer) => checkPointer(pointer, metadata));
        return await (signal === undefined ? result : Promise.race([result, abortOf(signal, gaveUp.signal)]));
      } finally {
        gaveUp.abort();
        if (onProgress !== undefined) running.listeners.delete(onProgress);
        running.waiting -= 1;
        if (running.waiting === 0) running.cancelled.abort();
      }
    },
    probe: locationProbe({ client, pool, limits, pace: (bytes, signal) => rate.take(bytes, signal) }),
    setRate(bytesPerSecond) {
      rate.limit = bytesPerSecond;
    },
    rate: () => rate.limit,
    sweep: () => sweepWorkFolder(workDir, vault, (identifier) => pulls.has(identifier), now),
    async close() {
      closed = true;
      for (const { cancelled } of pulls.values()) cancelled.abort();
      await Promise.allSettled([...pulls.values()].map(({ result }) => result));
      await client.destroy();
      await pool.close();
    },
  };
}

/** Rejects when `signal` is aborted; is forgotten when `until` is. */
function abortOf(signal: AbortSignal, until: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const give = (): void => reject(new Fault('pull.cancelled', 'The request for this image was given up.'));
    signal.addEventListener('abort', give, { once: true });
    until.addEventListener('abort', () => signal.removeEventListener('abort', give), { once: true });
  });
}
