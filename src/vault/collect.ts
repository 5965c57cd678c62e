// The collection of garbage: chunks that no pointer leads to go, in two steps, while writes and reads go on.
import { Fault } from '../errors/fault.ts';
import { activeWriters } from './catalog.ts';
import { lockCollection, readCondemned, writeCondemned, type CondemnedPack } from './condemned.ts';
import { sweepDamage } from './damage.ts';
import { intentLifetime, withIntent } from './intent.ts';
import { markLive, type Marks } from './mark.ts';
import { packEntry, type ChunkKind } from './pack.ts';
import { createPackWriter } from './pack-writer.ts';
import { packKey } from './records.ts';
import { type Vault } from './vault.ts';

export interface CollectOptions {
  /** Garbage younger than this stays, in ms. */
  readonly grace: number;
  /** Say what would be done, and do nothing. */
  readonly dryRun?: boolean;
  /** A pack is rewritten when less than this share of its chunk bytes is live. Default 0.5. */
  readonly rewriteBelow?: number;
  /** Ends it early, as a crash would: what was not done is done by the next one. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: CollectProgress) => void;
}

export interface CollectProgress {
  readonly phase: 'marking' | 'removing' | 'copying';
  /** Disks that were gone through, or packs that were removed or copied together. */
  readonly done: number;
  readonly of: number;
}

export interface Collection {
  /** Packs removed now, and their bytes; under a dry run those that would be. */
  readonly removedPacks: number;
  readonly removedBytes: number;
  /** Garbage that waits for its second mark, the grace, or a write that began before it was condemned. */
  readonly condemnedPacks: number;
  readonly condemnedBytes: number;
  /** Packs that were mostly garbage, whose live chunks were copied together. */
  readonly rewrittenPacks: number;
  readonly liveChunks: number;
  readonly liveBytes: number;
  /** Intents of writers that gave no sign of life for a day. */
  readonly deadWriters: number;
  /** Packs whose index cannot be read: what lies in them is not known, so they stay. */
  readonly unreadable: readonly string[];
}

/** Copies the live chunks of packs into new ones. They are garbage in the old ones from the next mark on. */
async function rewrite(
  vault: Vault,
  marks: Marks,
  names: readonly string[],
  { signal, onProgress }: Pick<CollectOptions, 'signal' | 'onProgress'>,
): Promise<void> {
  const writer = vault.random(12).toString('hex');
  await withIntent(vault, writer, async () => {
    const packs = createPackWriter(vault.store, vault.catalog, writer, false);
    for (const [number, name] of names.entries()) {
      signal?.throwIfAborted();
      onProgress?.({ phase: 'copying', done: number, of: names.length });
      const pack = vault.catalog.index.pack(name);
      for (const entry of marks.liveEntries(name)) {
        const { sha256, kind } = packEntry.decode(pack?.index ?? Buffer.alloc(0), entry * packEntry.bytes);
        await packs.add(sha256, await vault.reader.read(sha256), kind as ChunkKind);
      }
    }
    await packs.flush();
  });
}

/**
 * One collection; two of them, a grace apart, take what is garbage. It fails before it removes anything where a pointer or a manifest cannot be read; a
 * pack that cannot be read stays, and whatever else it may hold a copy of stays where it is read. Why this is safe beside writers: docs/vault-format.md, "Collecting garbage".
 */
export async function collectGarbage(vault: Vault, options: CollectOptions): Promise<Collection> {
  if (options.dryRun === true) return collect(vault, options);
  const { store, node, now } = vault;
  const release = await lockCollection(store, node, now);
  try {
    return await collect(vault, options);
  } finally {
    await release();
  }
}

/** A manifest that is not there would be "not found" elsewhere. */
function unmarked(error: unknown): unknown {
  if (!(error instanceof Fault) || (error.code !== 'not-found' && error.code !== 'vault.missing')) return error;
  return new Fault('vault.corrupt', `Nothing was collected, because not all can be read: ${error.message}`, {
    cause: error,
  });
}

async function collect(vault: Vault, options: CollectOptions): Promise<Collection> {
  const { store, catalog, now } = vault;
  const { grace, dryRun = false, rewriteBelow = 0.5, signal, onProgress } = options;
  // Writers first, pointers after: a writer that is gone by now has its pointer written.
  const writers = await activeWriters(store);
  const dead = [...writers].filter(([, { renewed }]) => now().getTime() - renewed.getTime() > intentLifetime);
  for (const [writer, { key }] of dead) {
    if (!dryRun) await store.remove(key);
    writers.delete(writer);
  }
  await catalog.refresh();
  const before = new Map((await readCondemned(store)).packs.map((pack) => [pack.name, pack]));
  const marks = await markLive(vault, new Set(before.keys()), {
    signal,
    onProgress: ({ disks, ofDisks }) => onProgress?.({ phase: 'marking', done: disks, of: ofDisks }),
  }).catch((error: unknown) => Promise.reject(unmarked(error)));

  const time = now();
  const removed: string[] = [];
  const kept: CondemnedPack[] = [];
  const fresh: string[] = [];
  const sparse: string[] = [];
  for (const pack of catalog.index.packs()) {
    if (pack.writer !== undefined) continue;
    const { liveBytes, bytes } = marks.shareOf(pack.name);
    const known = before.get(pack.name);
    if (liveBytes > 0) {
      // What has no good copy cannot be copied.
      const lost = marks.liveEntries(pack.name).some((entry) => pack.damaged.has(entry));
      if (liveBytes < bytes * rewriteBelow && !lost) sparse.push(pack.name);
      continue;
    }
    const waits = known?.waitsFor;
    const old = known !== undefined && time.getTime() - new Date(known.since).getTime() >= grace;
    if (old && waits !== undefined && waits !== null && !waits.some((writer) => writers.has(writer)))
      removed.push(pack.name);
    else if (known === undefined) fresh.push(pack.name);
    else kept.push(known);
  }
  const bytesOf = (names: readonly string[]): number =>
    names.reduce((sum, name) => sum + (catalog.index.pack(name)?.bytes ?? 0), 0);
  const waiting = [...kept.map(({ name }) => name), ...fresh];
  const result: Collection = {
    removedPacks: removed.length,
    removedBytes: bytesOf(removed),
    condemnedPacks: waiting.length,
    condemnedBytes: bytesOf(waiting),
    rewrittenPacks: sparse.length > 1 ? sparse.length : 0,
    liveChunks: marks.liveChunks,
    liveBytes: marks.liveBytes,
    deadWriters: dead.length,
    unreadable: [...catalog.unreadable.keys()],
  };
  if (dryRun) return result;

  let done = 0;
  try {
    for (const name of removed) {
      signal?.throwIfAborted();
      await store.remove(packKey(name));
      done += 1;
      onProgress?.({ phase: 'removing', done, of: removed.length });
    }
  } finally {
    catalog.index.removePacks(removed.slice(0, done));
  }
  await sweepDamage(store, catalog);
  // What was copied elsewhere is garbage here, and the next mark prefers the copies, for they are not condemned.
  if (result.rewrittenPacks > 0) {
    await rewrite(vault, marks, sparse, options);
    fresh.push(...sparse);
  }
  const since = time.toISOString();
  const list = [...kept, ...fresh.map((name): CondemnedPack => ({ name, since, waitsFor: null }))];
  const listed = new Set(list.map(({ name }) => name));
  for (const pack of catalog.index.packs()) pack.condemned = listed.has(pack.name);
  await writeCondemned(store, list);
  // Published first, looked up after: a writer that is not among these has read the list.
  const atWork = [...(await activeWriters(store)).keys()];
  await writeCondemned(
    store,
    list.map(({ name, since: when, waitsFor }) => ({ name, since: when, waitsFor: waitsFor ?? atWork })),
  );
  return result;
}
