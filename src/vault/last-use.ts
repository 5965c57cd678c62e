// When each image was last asked for: what eviction goes by. Kept in the vault, so that all nodes go by the same.
import { z } from 'zod';
import { imageKey, usedKey } from './records.ts';
import { openRecord, sealRecord } from './sealed-record.ts';
import { type Vault } from './vault.ts';

const usedRecord = z.object({
  format: z.literal('mintmark-used'),
  version: z.literal(1),
  identifier: z.string(),
  used: z.string(),
});

/** A use is written at most so often for one image, in ms: the order of eviction need not be finer. */
const writeEvery = 10 * 60 * 1000;

/** Notes uses of images; one that cannot be noted is no failure of the use. */
export function createUseNotes({ store, now }: Pick<Vault, 'store' | 'now'>): (identifier: string) => Promise<void> {
  const written = new Map<string, number>();
  return async (identifier) => {
    const time = now();
    const last = written.get(identifier) ?? Number.NEGATIVE_INFINITY;
    if (imageKey(identifier) === undefined || time.getTime() - last < writeEvery) return;
    written.set(identifier, time.getTime());
    const record = { format: 'mintmark-used', version: 1, identifier, used: time.toISOString() };
    await store.put(usedKey(identifier), [sealRecord(record)]).catch(() => written.delete(identifier));
  };
}

/** By identifier, in ms since 1970; images that were not asked for since they were pulled are left out. */
export async function lastUses({ store }: Pick<Vault, 'store'>): Promise<ReadonlyMap<string, number>> {
  const uses = new Map<string, number>();
  for await (const { key } of store.list('used/')) {
    const bytes = await store.get(key);
    if (bytes === undefined) continue;
    const { identifier, used } = openRecord(bytes, usedRecord, key);
    uses.set(identifier, Date.parse(used));
  }
  return uses;
}
