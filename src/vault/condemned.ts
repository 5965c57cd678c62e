// The list of packs that are about to be collected: published before anything is removed, so that no writer comes to rely on them.
import { z } from 'zod';
import { type ObjectStore } from './object-store.ts';
import { openRecord, sealRecord } from './sealed-record.ts';

const condemnedKey = 'gc/condemned';

const condemnedRecord = z.object({
  format: z.literal('mintmark-condemned'),
  version: z.literal(1),
  packs: z.array(
    z.object({
      name: z.string().regex(/^[0-9a-f]{32}$/),
      /** Since when nothing refers to it, ISO 8601. */
      since: z.string(),
      /** Writers that were at work when it was listed, and may rely on it; null until they were looked up. */
      waitsFor: z.array(z.string()).nullable(),
    }),
  ),
});

export type CondemnedPack = z.output<typeof condemnedRecord>['packs'][number];

export async function readCondemned(store: ObjectStore): Promise<{ readonly packs: readonly CondemnedPack[] }> {
  const bytes = await store.get(condemnedKey);
  return bytes === undefined ? { packs: [] } : openRecord(bytes, condemnedRecord, condemnedKey);
}

export async function writeCondemned(store: ObjectStore, packs: readonly CondemnedPack[]): Promise<void> {
  await store.put(condemnedKey, [sealRecord({ format: 'mintmark-condemned', version: 1, packs })]);
}
