// The list of packs that are about to be collected: published before anything is removed, so that no writer comes to rely on them.
import { z } from 'zod';
import { Fault } from '../errors/fault.ts';
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

const lockKey = 'gc/lock';
/** A lock of another node that is older than this is taken over, in ms. */
const lockLifetime = 24 * 60 * 60 * 1000;
const lockRecord = z.object({
  format: z.literal('mintmark-gc-lock'),
  version: z.literal(1),
  node: z.string(),
  since: z.string(),
});

/** One collection at a time over all processes; returns how to let the next one begin. Throws `vault.busy`. */
export async function lockCollection(store: ObjectStore, node: string, now: () => Date): Promise<() => Promise<void>> {
  const lock = sealRecord({ format: 'mintmark-gc-lock', version: 1, node, since: now().toISOString() });
  const release = (): Promise<void> => store.remove(lockKey);
  if (await store.put(lockKey, [lock], { ifAbsent: true })) return release;
  const bytes = await store.get(lockKey);
  const held = bytes === undefined ? undefined : openRecord(bytes, lockRecord, lockKey);
  if (held !== undefined && now().getTime() - new Date(held.since).getTime() < lockLifetime) {
    throw new Fault('vault.busy', `Garbage is being collected by ${held.node} since ${held.since}.`);
  }
  await store.remove(lockKey);
  if (await store.put(lockKey, [lock], { ifAbsent: true })) return release;
  throw new Fault('vault.busy', 'Garbage is being collected by another process.');
}

/** Takes away the lock of an earlier process of this node: it ended without doing so. */
export async function releaseStaleLock(store: ObjectStore, node: string): Promise<void> {
  const bytes = await store.get(lockKey);
  if (bytes !== undefined && openRecord(bytes, lockRecord, lockKey).node === node) await store.remove(lockKey);
}
