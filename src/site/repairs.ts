// Repairs of images that have lost something, each a job of its own: asked for by scrubs, and by reads that met damage.
import { setTimeout as delay } from 'node:timers/promises';
import { type Logger } from 'pino';
import { Fault } from '../errors/fault.ts';
import { type Jobs } from '../jobs/jobs.ts';
import { isActive, priorities, type JobState } from '../jobs/model.ts';
import { type Pulls } from '../pull/pull-jobs.ts';
import { type SourcesFor } from '../vault/chunk-source.ts';
import { healFromCopies } from '../vault/heal-from-copies.ts';
import { isLost, lossOf } from '../vault/lost.ts';
import { type Vault } from '../vault/vault.ts';

/** The job that repairs an image, and what had become of it when it was waited for no longer. */
export interface ImageRepair {
  readonly identifier: string;
  readonly job: number;
  readonly state: JobState;
}

export interface Repairs {
  /**
   * Repairs all that is known to have lost something, and waits: snapshots from copies near by, images by jobs. Where the next attempt at one is
   * far away it is not waited for. Throws the signal's reason; the jobs go on.
   */
  all(signal: AbortSignal, onProgress: (done: number, of: number) => void): Promise<readonly ImageRepair[]>;
  /** Has images repaired in the background, but for those of which the last repair has failed just now. */
  soon(): void;
  /** Waits for what `soon` is asking for. */
  close(): Promise<void>;
}

/** A repair whose next attempt is further away than this, in ms, is not waited for. */
const patience = 10_000;
/** From one look at what is lost to the next, in ms: who reads on what is lost asks for many. */
const rest = 5000;
/** Reads that meet the same damage again ask for no other repair so soon after one has failed, in ms. */
const notAgainBefore = 10 * 60_000;

export function createRepairs(parts: {
  readonly vault: Vault;
  readonly pulls: Pick<Pulls, 'repair' | 'newest'>;
  readonly jobs: Pick<Jobs, 'wait'>;
  readonly sourcesFor: SourcesFor;
  readonly now: () => Date;
  readonly log: Logger;
}): Repairs {
  const { vault, pulls, jobs, sourcesFor, now, log } = parts;
  const stopping = new AbortController();
  let asking: Promise<void> | undefined;
  let askAgain = false;

  async function lostImages(signal: AbortSignal): Promise<readonly string[]> {
    const lost: string[] = [];
    for (const { identifier, manifestId } of (await vault.surveyImages()).found) {
      signal.throwIfAborted();
      if (isLost(await lossOf(vault, manifestId))) lost.push(identifier);
    }
    return lost;
  }

  /** Undefined where it was evicted meanwhile. */
  async function repairOf(identifier: string): Promise<number | undefined> {
    try {
      return (await pulls.repair(identifier, { priority: priorities.background })).id;
    } catch (error) {
      if (error instanceof Fault && error.code === 'not-found') return undefined;
      throw error;
    }
  }

  async function repairSnapshots(signal: AbortSignal): Promise<void> {
    for (const { volume, epoch, manifestId, size } of (await vault.surveyVolumes()).found) {
      signal.throwIfAborted();
      if (!isLost(await lossOf(vault, manifestId))) continue;
      const sources = await sourcesFor({ manifestId, size });
      const { repaired, loss, reasons } = await healFromCopies(vault, manifestId, sources, { signal });
      if (isLost(loss)) log.error({ volume, epoch, repaired, reasons }, 'a snapshot has lost what nothing here has');
      else log.info({ volume, epoch, repaired }, 'a snapshot was repaired');
    }
  }

  async function failedJustNow(identifier: string): Promise<boolean> {
    const newest = await pulls.newest(identifier);
    if (newest?.state !== 'failed' && newest?.state !== 'cancelled') return false;
    return now().getTime() - Date.parse(newest.finished ?? newest.created) < notAgainBefore;
  }

  async function ask(): Promise<void> {
    const { signal } = stopping;
    for (const identifier of await lostImages(signal)) {
      signal.throwIfAborted();
      if (!(await failedJustNow(identifier))) await repairOf(identifier);
    }
    await repairSnapshots(signal);
  }

  async function askAndRest(): Promise<void> {
    try {
      await ask();
      await delay(rest, undefined, { signal: stopping.signal, ref: false });
    } catch (error) {
      if (!stopping.signal.aborted) log.error({ err: error }, 'images could not be repaired');
    }
  }

  function soon(): void {
    if (stopping.signal.aborted) return;
    askAgain = asking !== undefined;
    asking ??= askAndRest().finally(() => {
      asking = undefined;
      if (askAgain) soon();
    });
  }

  return {
    async all(signal, onProgress) {
      await repairSnapshots(signal);
      const begun: { readonly identifier: string; readonly job: number }[] = [];
      for (const identifier of await lostImages(signal)) {
        const job = await repairOf(identifier);
        if (job !== undefined) begun.push({ identifier, job });
      }
      const ended: ImageRepair[] = [];
      onProgress(0, begun.length);
      for (const { identifier, job } of begun) {
        const { state } = await jobs.wait(job, { signal, patience });
        ended.push({ identifier, job, state });
        onProgress(ended.length, begun.length);
        if (isActive(state) || state === 'failed') log.warn({ identifier, job, state }, 'an image is not repaired');
      }
      return ended;
    },
    soon,
    async close() {
      stopping.abort(new Fault('jobs.stopping', 'The server is being stopped.'));
      await asking;
    },
  };
}
