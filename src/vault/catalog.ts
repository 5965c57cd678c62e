// Knows the packs of the store: reads the indexes of new ones, forgets removed ones, and finds chunks.
import { Fault } from '../errors/fault.ts';
import { concurrently } from './concurrently.ts';
import { type IndexFile } from './index-file.ts';
import { LocationIndex } from './location-index.ts';
import { type ObjectStore } from './object-store.ts';
import { checkPackIndex, decodePackTrailer } from './pack.ts';
import { intentRecord, packAndEntryOf, packNameOf, writerOf } from './records.ts';
import { openRecord } from './sealed-record.ts';

/** Of the end of a pack in bytes: enough for the index of a usual pack, so that one request does. */
const tailBytes = 8 * 1024;
const readersAtOnce = 16;

export interface Catalog {
  readonly index: LocationIndex;
  /** Packs that cannot be read, and why; they are not in the index, and nothing removes them. */
  readonly unreadable: ReadonlyMap<string, Fault>;
  /** A pack that this process has just put. */
  add(name: string, bytes: number, entries: Buffer, writer: string): void;
  /** What is known of the pack is not what it says itself any more: from now on it is one that cannot be read. */
  distrust(name: string, why: Fault): void;
  /** Looks at the store. Callers at the same time share one look; one that began before the call is not taken. */
  refresh(): Promise<void>;
}

async function readIndex(store: ObjectStore, key: string, name: string, bytes: number): Promise<Buffer | undefined> {
  const start = Math.max(0, bytes - tailBytes);
  const tail = await store.get(key, { offset: start, length: bytes - start });
  if (tail === undefined) return undefined;
  const { packId, indexOffset, indexBytes } = decodePackTrailer(tail, bytes, name);
  if (packId.toString('hex') !== name) {
    throw new Fault('vault.bad-format', `The pack ${name} says of itself that it is another.`, {
      details: { pack: name },
    });
  }
  const index =
    indexOffset >= start
      ? Buffer.from(tail.subarray(indexOffset - start, indexOffset - start + indexBytes))
      : await store.get(key, { offset: indexOffset, length: indexBytes });
  if (index === undefined) return undefined;
  checkPackIndex(index, tail, name);
  return index;
}

/** The writers that are at work, by their intents. Throws where an intent cannot be read. */
export async function activeWriters(
  store: ObjectStore,
): Promise<Map<string, { key: string; node: string; renewed: Date }>> {
  const writers = new Map<string, { key: string; node: string; renewed: Date }>();
  for await (const { key } of store.list('intents/')) {
    const bytes = await store.get(key);
    if (bytes === undefined) continue;
    const intent = openRecord(bytes, intentRecord, key);
    writers.set(intent.writer, { key, node: intent.node, renewed: new Date(intent.renewed) });
  }
  return writers;
}

/** Takes over which copies are noted as damaged, by this process or another. */
async function readDamage(store: ObjectStore, index: LocationIndex): Promise<void> {
  const noted = new Map<string, Set<number>>();
  for await (const { key } of store.list('damaged/')) {
    const copy = packAndEntryOf(key);
    if (copy === undefined) continue;
    const entries = noted.get(copy.pack) ?? new Set();
    noted.set(copy.pack, entries.add(copy.entry));
  }
  for (const [pack, entries] of noted) for (const entry of entries) index.pack(pack)?.damaged.add(entry);
}

/** `file` keeps the indexes that were read, from one start to the next. */
export function createCatalog(store: ObjectStore, file?: IndexFile): Catalog {
  const index = new LocationIndex();
  const unreadable = new Map<string, Fault>();
  const distrusted = new Map<string, Fault>();
  let running: Promise<void> | undefined;
  let queued: Promise<void> | undefined;
  // Packs that were put while a look was under way may be missing from its list.
  const recent = new Set<string>();

  async function look(): Promise<void> {
    // Intents first: a writer that ends between the two looks is then still taken for one at work, which is the safe side.
    const writers = await activeWriters(store);
    const gone = new Set([...index.packs()].map((pack) => pack.name));
    const listed = new Set<string>();
    const unreadableNow = new Map<string, Fault>();
    await concurrently(store.list('packs/'), readersAtOnce, async ({ key, bytes }) => {
      const name = packNameOf(key);
      if (name === undefined) return;
      gone.delete(name);
      listed.add(name);
      const writer = writers.has(writerOf(name)) ? writerOf(name) : undefined;
      const known = index.pack(name);
      if (known !== undefined) {
        known.writer = writer;
        return;
      }
      try {
        const noted = distrusted.has(name) ? undefined : file?.find(name, bytes);
        const entries = noted ?? (await readIndex(store, key, name, bytes));
        if (entries !== undefined) index.addPack(name, bytes, entries, writer);
        if (entries !== undefined && noted === undefined) file?.add(name, bytes, entries);
      } catch (error) {
        if (!(error instanceof Fault) || error.code !== 'vault.bad-format') throw error;
        unreadableNow.set(name, error);
      }
    });
    // At once: nobody sees a look that is half done.
    unreadable.clear();
    for (const [name, why] of [...unreadableNow, ...distrusted]) if (listed.has(name)) unreadable.set(name, why);
    index.removePacks([...gone].filter((name) => !recent.has(name)));
    await readDamage(store, index);
    await file?.save(new Set(Array.from(index.packs(), ({ name }) => name)));
  }

  function begin(): Promise<void> {
    running = look().finally(() => {
      running = undefined;
      recent.clear();
    });
    return running;
  }

  return {
    index,
    unreadable,
    add(name, bytes, entries, writer) {
      if (running !== undefined) recent.add(name);
      file?.add(name, bytes, entries);
      index.addPack(name, bytes, entries, writer);
    },
    distrust(name, why) {
      distrusted.set(name, why);
      index.removePacks([name]);
      unreadable.set(name, why);
    },
    refresh() {
      if (running === undefined) return begin();
      queued ??= running
        .catch(() => undefined)
        .then(() => {
          queued = undefined;
          return begin();
        });
      return queued;
    },
  };
}
