// Keeps what images and snapshots hold below a quota: before more comes in, the images that were used longest ago go.
import { Fault } from '../errors/fault.ts';
import { evictable, evictImages } from './evict.ts';
import { type Leases } from './leases.ts';
import { createMarker, rootsOf } from './mark.ts';
import { type ImagePointer } from './records.ts';
import { type Vault } from './vault.ts';

export interface RoomPlan {
  /** Bytes that pointers lead to now, as they are stored; garbage that waits for its collection is not among them. */
  readonly heldBytes: number;
  readonly quotaBytes: number;
  readonly neededBytes: number;
  /** Images that have to go, in this order, so that it fits. */
  readonly evicted: readonly ImagePointer[];
  /** Whether it fits then. */
  readonly fits: boolean;
}

/** What would be done so that `neededBytes` more fit below the quota. Throws `vault.corrupt` where a manifest cannot be read. */
async function planRoom(vault: Vault, neededBytes: number, quotaBytes: number): Promise<RoomPlan> {
  const candidates = await evictable(vault);
  const marker = createMarker(vault, new Set());
  for (const root of await rootsOf(vault, new Set(candidates.map(({ identifier }) => identifier))))
    await marker.add(root);
  // Backwards, so that one walk through the vault tells what is held without the first, the first two, and so on.
  const heldWithout = [marker.storedBytes];
  for (const { manifestId } of candidates.toReversed()) {
    await marker.add(manifestId);
    heldWithout.unshift(marker.storedBytes);
  }
  const gone = heldWithout.findIndex((bytes) => bytes + neededBytes <= quotaBytes);
  const fits = gone !== -1;
  return {
    heldBytes: marker.storedBytes,
    quotaBytes,
    neededBytes,
    evicted: fits ? candidates.slice(0, gone) : [],
    fits,
  };
}

export interface Quota {
  /** Undefined: none. */
  readonly bytes: number | undefined;
  /**
   * Sets so many bytes aside, once what has to go for them is evicted; returns how to give them back. Without a quota there is always room. Throws
   * `vault.quota`, before anything went, where even that would not do.
   */
  reserve(neededBytes: number): Promise<() => void>;
  /** What {@link reserve} would do; undefined without a quota. */
  plan(neededBytes: number): Promise<RoomPlan | undefined>;
}

/** What a quota tells of what it does. */
export interface QuotaEvents {
  /** An image had to go. */
  readonly evicted?: (image: ImagePointer) => void;
  /** There is no room, and nothing that could go for it. */
  readonly full?: (plan: RoomPlan) => void;
}

/** `quotaBytes` undefined: no quota. */
export function createQuota(
  vault: Vault,
  leases: Pick<Leases, 'settle'>,
  quotaBytes: number | undefined,
  events: QuotaEvents = {},
): Quota {
  let reserved = 0;
  let queue: Promise<unknown> = Promise.resolve();

  async function makeRoom(neededBytes: number, quota: number): Promise<void> {
    await leases.settle();
    const plan = await planRoom(vault, reserved + neededBytes, quota);
    if (!plan.fits) {
      events.full?.(plan);
      throw overQuota(plan);
    }
    const identifiers = plan.evicted.map(({ identifier }) => identifier);
    if (identifiers.length > 0) await evictImages(vault, { identifiers, onEvicted: events.evicted });
    reserved += neededBytes;
  }

  return {
    bytes: quotaBytes,
    async reserve(neededBytes) {
      if (quotaBytes === undefined) return () => undefined;
      const turn = queue.then(() => makeRoom(neededBytes, quotaBytes));
      queue = turn.catch(() => undefined);
      await turn;
      return () => {
        reserved -= neededBytes;
      };
    },
    async plan(neededBytes) {
      if (quotaBytes === undefined) return undefined;
      await leases.settle();
      return await planRoom(vault, reserved + neededBytes, quotaBytes);
    },
  };
}

function overQuota({ heldBytes, neededBytes, quotaBytes }: RoomPlan): Fault {
  return new Fault(
    'vault.quota',
    `This needs up to ${neededBytes} bytes; the vault holds ${heldBytes} of the ${quotaBytes} that it may, and too few of them can be evicted.`,
    { details: { heldBytes, neededBytes, quotaBytes } },
  );
}
