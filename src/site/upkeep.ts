// The upkeep of the vault beside a running server: what may be evicted, collections of garbage, scrubs and repairs.
import { type Logger } from 'pino';
import { Fault } from '../errors/fault.ts';
import { collectGarbage, type Collection } from '../vault/collect.ts';
import { type RepairImage } from './repair.ts';
import { evictImages } from '../vault/evict.ts';
import { type Leases } from '../vault/leases.ts';
import { isLost, lossOf } from '../vault/lost.ts';
import { type ImagePointer } from '../vault/records.ts';
import { scrubVault, type ScrubProgress, type ScrubReport } from '../vault/scrub.ts';
import { type Vault } from '../vault/vault.ts';
import { type Volumes } from '../volumes/volumes.ts';

export interface UpkeepDeps {
  readonly vault: Vault;
  readonly volumes: Pick<Volumes, 'list'>;
  readonly leases: Leases;
  /** How long garbage stays, in ms. */
  readonly grace: number;
  /** Fetches again what an image has lost. */
  readonly repair: RepairImage;
  readonly log: Logger;
}

/** Either this image, or the least recently used ones whose sizes come to so many bytes. */
type Eviction = { readonly identifier: string } | { readonly freeBytes: number };

export interface Upkeep {
  /** Throws `vault.in-use` with the reason, `not-found`. */
  evict(what: Eviction, dryRun: boolean): Promise<readonly ImagePointer[]>;
  /** Throws `vault.busy` while another collection runs. */
  collect(dryRun: boolean): Promise<Collection>;
  /**
   * Ends early when `signal` is aborted; the next one goes on from there unless it is to start again. Throws `vault.busy` while another
   * scrub runs.
   */
  scrub(signal: AbortSignal, restart: boolean, onProgress: (progress: ScrubProgress) => void): Promise<ScrubReport>;
  /** Repairs, in the background, all images that are known to have lost something. */
  repairSoon(): void;
  /** Ends scrubs and repairs, and waits for a collection. */
  close(): Promise<void>;
}

export function createUpkeep({ vault, volumes, leases, grace, repair, log }: UpkeepDeps): Upkeep {
  const stopping = new AbortController();
  const collections = new Set<Promise<Collection>>();
  let scrubbing: Promise<ScrubReport> | undefined;
  let repairing: Promise<void> | undefined;

  async function collect(dryRun: boolean): Promise<Collection> {
    stopping.signal.throwIfAborted();
    const collection = leases.settle().then(() => collectGarbage(vault, { grace, dryRun }));
    collections.add(collection);
    try {
      const collected = await collection;
      const { unreadable } = collected;
      if (unreadable.length > 0) log.warn({ packs: unreadable }, 'packs that cannot be read stay: scrub the vault');
      return collected;
    } finally {
      collections.delete(collection);
    }
  }

  /** Says which volumes an image is held for, where it is for those of this node. */
  function withVolumes(error: unknown, identifier: string): unknown {
    const users = volumes.list({ image: identifier }).map(({ uuid }) => uuid);
    if (!(error instanceof Fault) || error.code !== 'vault.in-use' || users.length === 0) return error;
    const named = users.length > 3 ? `${users.slice(0, 3).join(', ')} and ${users.length - 3} more` : users.join(', ');
    return new Fault('vault.in-use', `The image ${identifier} stays, because volumes are made from it: ${named}.`, {
      details: { identifier, volumes: users },
    });
  }

  async function repairAll(): Promise<void> {
    for (const image of await vault.listImages()) {
      if (stopping.signal.aborted) return;
      if (isLost(await lossOf(vault, image.manifestId))) await repair(image, stopping.signal);
    }
  }

  return {
    async evict(what, dryRun) {
      await leases.settle();
      if ('freeBytes' in what) return await evictImages(vault, { freeBytes: what.freeBytes, dryRun });
      const { identifier } = what;
      return await evictImages(vault, { identifiers: [identifier], dryRun }).catch((error: unknown) =>
        Promise.reject(withVolumes(error, identifier)),
      );
    },
    collect,
    async scrub(signal, restart, onProgress) {
      stopping.signal.throwIfAborted();
      if (scrubbing !== undefined) throw new Fault('vault.busy', 'The vault is being scrubbed already.');
      scrubbing = scrubVault(vault, {
        signal: AbortSignal.any([signal, stopping.signal]),
        restart,
        heal: repair,
        onProgress,
      });
      try {
        return await scrubbing;
      } finally {
        scrubbing = undefined;
      }
    },
    repairSoon() {
      // What is found while repairs run is found again when it is next read.
      repairing ??= repairAll()
        .catch((error: unknown) => log.error({ err: error }, 'images could not be repaired'))
        .finally(() => {
          repairing = undefined;
        });
    },
    async close() {
      stopping.abort(
        new Fault('vault.unavailable', 'The server is being stopped.', { action: 'Ask again when it runs.' }),
      );
      await Promise.allSettled([...collections, scrubbing, repairing]);
    },
  };
}
