// The upkeep of the vault beside a running server: what may be evicted, collections of garbage, and scrubs.
import { type Logger } from 'pino';
import { Fault } from '../errors/fault.ts';
import { collectGarbage, type Collection, type CollectProgress } from '../vault/collect.ts';
import { evictImages, evictThose } from '../vault/evict.ts';
import { type Leases } from '../vault/leases.ts';
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
  /** Told of each image that left, and why. */
  readonly evicted: (image: ImagePointer) => void;
  readonly log: Logger;
}

export interface Upkeep {
  /** Takes this image out of the cache. Throws `vault.in-use` with the reason, `not-found`. */
  evict(identifier: string, dryRun: boolean): Promise<readonly ImagePointer[]>;
  /** The least recently used images whose sizes come to so many bytes, of those that may go. */
  evictable(freeBytes: number): Promise<readonly ImagePointer[]>;
  /** Takes those of these images out of the cache that may go; what went before is told to `onEvicted` alone. */
  evictAll(
    identifiers: readonly string[],
    options: { readonly signal: AbortSignal; readonly onEvicted: (image: ImagePointer) => void },
  ): Promise<void>;
  /** Throws `vault.busy` while another collection runs, and the signal's reason: the next one goes on. */
  collect(options: {
    readonly dryRun: boolean;
    readonly signal?: AbortSignal;
    readonly onProgress?: (progress: CollectProgress) => void;
  }): Promise<Collection>;
  /**
   * Ends early when `signal` is aborted; the next one goes on from there unless it is to start again. Throws `vault.busy` while another
   * scrub runs.
   */
  scrub(options: {
    readonly signal: AbortSignal;
    readonly restart: boolean;
    readonly onProgress: (progress: ScrubProgress) => void;
    readonly repair?: (signal: AbortSignal) => Promise<void>;
  }): Promise<ScrubReport>;
  /** Ends scrubs, and waits for a collection. */
  close(): Promise<void>;
}

export function createUpkeep({ vault, volumes, leases, grace, evicted, log }: UpkeepDeps): Upkeep {
  const stopping = new AbortController();
  const collections = new Set<Promise<Collection>>();
  let scrubbing: Promise<ScrubReport> | undefined;

  const collect: Upkeep['collect'] = async ({ dryRun, signal, ...rest }) => {
    stopping.signal.throwIfAborted();
    const ends = signal === undefined ? {} : { signal };
    const collection = leases.settle().then(() => collectGarbage(vault, { grace, dryRun, ...ends, ...rest }));
    collections.add(collection);
    try {
      const collected = await collection;
      const { unreadable } = collected;
      if (unreadable.length > 0) log.warn({ packs: unreadable }, 'packs that cannot be read stay: scrub the vault');
      return collected;
    } finally {
      collections.delete(collection);
    }
  };

  /** Says which volumes an image is held for, where it is for those of this node. */
  function withVolumes(error: unknown, identifier: string): unknown {
    const users = volumes.list({ image: identifier }).map(({ uuid }) => uuid);
    if (!(error instanceof Fault) || error.code !== 'vault.in-use' || users.length === 0) return error;
    const named = users.length > 3 ? `${users.slice(0, 3).join(', ')} and ${users.length - 3} more` : users.join(', ');
    return new Fault('vault.in-use', `The image ${identifier} stays, because volumes are made from it: ${named}.`, {
      details: { identifier, volumes: users },
    });
  }

  return {
    async evict(identifier, dryRun) {
      await leases.settle();
      return await evictImages(vault, { identifiers: [identifier], dryRun, onEvicted: evicted }).catch(
        (error: unknown) => Promise.reject(withVolumes(error, identifier)),
      );
    },
    async evictable(freeBytes) {
      await leases.settle();
      return await evictImages(vault, { freeBytes, dryRun: true });
    },
    async evictAll(identifiers, { signal, onEvicted }) {
      await leases.settle();
      await evictThose(vault, identifiers, {
        signal,
        onEvicted(image) {
          evicted(image);
          onEvicted(image);
        },
      });
    },
    collect,
    async scrub({ signal: asked, restart, onProgress, repair }) {
      stopping.signal.throwIfAborted();
      if (scrubbing !== undefined) throw new Fault('vault.busy', 'The vault is being scrubbed already.');
      const signal = AbortSignal.any([asked, stopping.signal]);
      scrubbing = scrubVault(vault, {
        signal,
        restart,
        onProgress,
        ...(repair === undefined ? {} : { repair: () => repair(signal) }),
      });
      try {
        return await scrubbing;
      } finally {
        scrubbing = undefined;
      }
    },
    async close() {
      stopping.abort(
        new Fault('vault.unavailable', 'The server is being stopped.', { action: 'Ask again when it runs.' }),
      );
      await Promise.allSettled([...collections, scrubbing]);
    },
  };
}
