// Which stored copies of chunks were found damaged: noted in the vault, so that a restart and other processes know it too.
import { type Catalog } from './catalog.ts';
import { type ChunkLocation } from './location-index.ts';
import { type ObjectStore } from './object-store.ts';
import { damageKey, packAndEntryOf } from './records.ts';
import { sealRecord } from './sealed-record.ts';

/** One stored copy of a chunk: the pack that it lies in, and its number there. */
export type Copy = Pick<ChunkLocation, 'pack' | 'entry'>;

/** One that was found damaged, and of which chunk it is (hex). */
export interface DamagedCopy extends Copy {
  readonly chunk: string;
}

export interface DamageNotes {
  /** Whether this copy was found damaged, by any process: nothing may come to rely on it. */
  has(copy: Copy): boolean;
  /** Counts at once in this process; in others, and after a restart, once this returns. Throws `vault.unavailable`. */
  note(copy: Copy, sha256: Buffer): Promise<void>;
  /** The copy was read and found sound. */
  clear(copy: Copy): Promise<void>;
}

/** The notes of one process over those that lie in the store, which the catalog reads with the packs. */
export function createDamageNotes(parts: {
  readonly store: ObjectStore;
  readonly catalog: Catalog;
  readonly node: string;
  readonly now: () => Date;
  readonly onDamage?: ((copy: DamagedCopy) => void) | undefined;
}): DamageNotes {
  const { store, catalog, node, now, onDamage } = parts;
  const has = ({ pack, entry }: Copy): boolean => catalog.index.pack(pack)?.damaged.has(entry) === true;
  return {
    has,
    async note({ pack, entry }, sha256) {
      const chunk = sha256.toString('hex');
      const known = has({ pack, entry });
      catalog.index.pack(pack)?.damaged.add(entry);
      if (!known) onDamage?.({ pack, entry, chunk });
      const record = { format: 'mintmark-damage', version: 1, pack, entry, chunk, node, noticed: now().toISOString() };
      await store.put(damageKey(pack, entry), [sealRecord(record)], { ifAbsent: true });
    },
    async clear({ pack, entry }) {
      catalog.index.pack(pack)?.damaged.delete(entry);
      await store.remove(damageKey(pack, entry));
    },
  };
}

/** Removes the notes of packs that are no more; one that cannot be read now may be read again. */
export async function sweepDamage(store: ObjectStore, catalog: Catalog): Promise<void> {
  for await (const { key } of store.list('damaged/')) {
    const copy = packAndEntryOf(key);
    if (copy === undefined || catalog.unreadable.has(copy.pack)) continue;
    if (catalog.index.pack(copy.pack) === undefined) await store.remove(key);
  }
}
