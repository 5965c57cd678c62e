// A lease says in the vault that a node needs a disk: no node evicts an image of it, and no collection takes its chunks.
import { Fault } from '../errors/fault.ts';
import { type ObjectStore } from './object-store.ts';
import { leaseKey } from './records.ts';
import { sealRecord } from './sealed-record.ts';
import { type Vault } from './vault.ts';

/** A node needs the disk of this manifest. */
export interface Lease {
  readonly node: string;
  readonly manifestId: string;
}

/** The leases of all nodes. Their keys say all. */
export async function readLeases(store: ObjectStore): Promise<readonly Lease[]> {
  const leases: Lease[] = [];
  for await (const { key } of store.list('leases/')) {
    const match = /^leases\/([^/]+)\/([0-9a-f]{64})$/.exec(key);
    if (match?.[1] !== undefined && match[2] !== undefined) leases.push({ node: match[1], manifestId: match[2] });
  }
  return leases;
}

export interface Leases {
  /**
   * Takes a lease on the disk of an image, and returns how to say that nothing is being made from it any more. Throws `not-found` where the image
   * is not in the vault, or is being evicted.
   */
  hold(identifier: string): Promise<() => void>;
  /** Sees to it that there is a lease for what is in use or held, and for nothing else of this node. */
  settle(): Promise<void>;
}

export interface LeaseNeeds {
  /** The manifests that the volumes of this node need, at this moment. */
  readonly inUse: () => Iterable<string>;
  /** Whether these are all: else no lease is given up. */
  readonly isComplete: () => boolean;
}

/** The leases of this process. */
export function createLeases(vault: Vault, { inUse, isComplete }: LeaseNeeds): Leases {
  const { store, node, now } = vault;
  const held = new Map<string, number>();
  // One change at a time, so that none is taken while it is being given up.
  let queue: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(task: () => Promise<T>): Promise<T> => {
    const run = queue.then(task);
    queue = run.catch(() => undefined);
    return run;
  };
  const publish = async (manifestId: string): Promise<void> => {
    const record = { format: 'mintmark-lease', version: 1, node, manifestId, since: now().toISOString() };
    await store.put(leaseKey(node, manifestId), [sealRecord(record)]);
  };

  function release(manifestId: string): void {
    const left = (held.get(manifestId) ?? 1) - 1;
    if (left === 0) held.delete(manifestId);
    else held.set(manifestId, left);
  }

  return {
    hold: (identifier) =>
      inTurn(async () => {
        const absent = new Fault('not-found', `The vault has no image ${identifier}.`);
        const manifestId = (await vault.image(identifier))?.manifestId;
        if (manifestId === undefined) throw absent;
        held.set(manifestId, (held.get(manifestId) ?? 0) + 1);
        try {
          await publish(manifestId);
          // Published first, looked up after: who evicts takes the pointer first, and looks for leases after.
          if ((await vault.image(identifier))?.manifestId !== manifestId) throw absent;
        } catch (error) {
          release(manifestId);
          throw error;
        }
        let open = true;
        return () => {
          if (open) release(manifestId);
          open = false;
        };
      }),
    settle: () =>
      inTurn(async () => {
        const mine = new Set<string>();
        for (const lease of await readLeases(store)) if (lease.node === node) mine.add(lease.manifestId);
        const needed = new Set(inUse());
        for (const manifestId of isComplete() ? mine : []) {
          if (!held.has(manifestId) && !needed.has(manifestId)) await store.remove(leaseKey(node, manifestId));
        }
        for (const manifestId of needed) if (!mine.has(manifestId)) await publish(manifestId);
      }),
  };
}
