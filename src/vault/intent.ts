// An intent tells all processes that somebody writes: published before anything is looked up, taken away after all is done.
import { type Catalog } from './catalog.ts';
import { type ObjectStore } from './object-store.ts';
import { intentKey, packKey } from './records.ts';
import { sealRecord } from './sealed-record.ts';

/** An intent that was not renewed for this long, in ms, is given up by the collection of garbage. */
export const intentLifetime = 24 * 60 * 60 * 1000;
/** An intent older than this, in ms, is not gone on with: whoever collects garbage may be about to give it up. */
export const resumableFor = intentLifetime - 60 * 60 * 1000;

export interface IntentParts {
  readonly store: ObjectStore;
  readonly catalog: Catalog;
  readonly node: string;
  readonly now: () => Date;
}

/** Publishes the intent of a writer, or renews it; returns its key. */
export async function publishIntent({ store, node, now }: IntentParts, writer: string): Promise<string> {
  const key = intentKey(node, writer);
  const record = { format: 'mintmark-intent', version: 1, writer, node, renewed: now().toISOString() };
  await store.put(key, [sealRecord(record)]);
  return key;
}

/** From now on all may rely on what the writer wrote. */
export function releasePacks({ catalog }: IntentParts, writer: string): void {
  for (const pack of catalog.index.packs()) if (pack.writer === writer) pack.writer = undefined;
}

/** Runs `write` under an intent; where it fails, the packs of this writer are removed. */
export async function withIntent(parts: IntentParts, writer: string, write: () => Promise<void>): Promise<void> {
  const { store, catalog } = parts;
  const key = await publishIntent(parts, writer);
  try {
    await write();
    releasePacks(parts, writer);
  } catch (error) {
    const written = Array.from(catalog.index.packs()).filter((pack) => pack.writer === writer);
    catalog.index.removePacks(written.map(({ name }) => name));
    for (const { name } of written) await store.remove(packKey(name));
    throw error;
  } finally {
    await store.remove(key);
  }
}
