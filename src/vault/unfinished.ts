// Writes that did not come to their end: told apart from those that did, and removed.
import { activeWriters } from './catalog.ts';
import { resumableFor, type IntentParts } from './intent.ts';
import { type ObjectStore } from './object-store.ts';
import { imageRecord, intentKey, packKey, packNameOf, volumeRecord, writerOf } from './records.ts';
import { openRecord } from './sealed-record.ts';

const pointerKinds = [
  ['images/', imageRecord],
  ['volumes/', volumeRecord],
] as const;

/** All writers that a pointer names. */
async function committedWriters(store: ObjectStore): Promise<ReadonlySet<string>> {
  const committed = new Set<string>();
  for (const [prefix, schema] of pointerKinds) {
    for await (const { key } of store.list(prefix)) {
      const bytes = await store.get(key);
      if (bytes !== undefined) committed.add(openRecord(bytes, schema, key).writer);
    }
  }
  return committed;
}

/** Removes what writers of this node's name left behind: they are dead, for this process has the name now. `suspended` ones are left as they are. */
export async function undoUnfinished(store: ObjectStore, node: string, suspended: ReadonlySet<string>): Promise<void> {
  const left = new Set<string>();
  for (const [writer, intent] of await activeWriters(store)) if (intent.node === node) left.add(writer);
  if (left.size === 0) return;
  const committed = await committedWriters(store);
  const stays = (writer: string): boolean => suspended.has(writer) && !committed.has(writer);
  for await (const { key } of store.list('packs/')) {
    const name = packNameOf(key);
    if (name === undefined) continue;
    const writer = writerOf(name);
    if (left.has(writer) && !committed.has(writer) && !stays(writer)) await store.remove(packKey(name));
  }
  for (const writer of left) if (!stays(writer)) await store.remove(intentKey(node, writer));
}

/** Whether the writer has an intent of this node that is alive, and did not come to its end in spite of it. */
export async function isResumable(
  { store, node, now }: Omit<IntentParts, 'catalog'>,
  writer: string,
): Promise<boolean> {
  const intent = (await activeWriters(store)).get(writer);
  if (intent?.node !== node || now().getTime() - intent.renewed.getTime() > resumableFor) return false;
  return !(await committedWriters(store)).has(writer);
}
