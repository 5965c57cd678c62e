// What happens to images in the cache, as the events of the API tell it (docs/cache.md, "Events").
import { type Job } from '../jobs/model.ts';
import { isRepair, pullKindName } from '../pull/pull-jobs.ts';
import { type RoomPlan } from '../vault/quota.ts';
import { type ImagePointer } from '../vault/records.ts';

export type CacheEvent =
  | { readonly what: 'pinned' | 'unpinned' | 'evicted'; readonly identifier: string }
  /** A stored copy of a chunk (hex) was found damaged, in this pack at this place. */
  | { readonly what: 'damaged'; readonly pack: string; readonly entry: number; readonly chunk: string }
  | { readonly what: 'repaired' | 'unrepaired'; readonly identifier: string; readonly job: number }
  /** A sealed layer of a volume is in the vault. */
  | { readonly what: 'archived'; readonly volume: string; readonly epoch: number }
  /** The quota does not allow a pull, and nothing may go for it. */
  | {
      readonly what: 'full';
      readonly neededBytes: number;
      readonly heldBytes: number;
      readonly quotaBytes: number;
    };

export type TellCache = (event: CacheEvent) => void;

export const evicted = ({ identifier }: ImagePointer): CacheEvent => ({ what: 'evicted', identifier });

export const full = ({ neededBytes, heldBytes, quotaBytes }: RoomPlan): CacheEvent => ({
  what: 'full',
  neededBytes,
  heldBytes,
  quotaBytes,
});

/** What the end of a job says of an image; undefined where it says nothing. */
export function repairEvent(job: Job): CacheEvent | undefined {
  const { id, kind, key: identifier, state, result } = job;
  if (kind !== pullKindName || !isRepair(job)) return undefined;
  if (state === 'failed') return { what: 'unrepaired', identifier, job: id };
  const mended = state === 'done' && result?.['lostChunks'] !== 0;
  return mended ? { what: 'repaired', identifier, job: id } : undefined;
}
