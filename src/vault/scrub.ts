// Reads everything back and hashes it; damage is noted for good, healed where that can be done, and what it breaks is named.
import { z } from 'zod';
import { decodeChunk } from './chunk-reader.ts';
import { type IndexedPack, type ChunkLocation } from './location-index.ts';
import { isLost, lossOf } from './lost.ts';
import { packEntry, type ChunkKind } from './pack.ts';
import { packKey } from './records.ts';
import { rescuePack } from './rescue-pack.ts';
import { openRecord, sealRecord } from './sealed-record.ts';
import { type Vault } from './vault.ts';

export interface ScrubReport {
  /** Since the scrub was begun, also where it was interrupted and taken up again. */
  readonly checkedChunks: number;
  readonly checkedBytes: number;
  /** Whether it went on from where an earlier one had ended early. */
  readonly resumed: boolean;
  /** Chunks of which a copy is damaged, hex; and those among them that have a good copy too, or again. */
  readonly damaged: readonly string[];
  readonly repaired: readonly string[];
  /** Identifiers of images, and `volume/epoch` of snapshots, that cannot be read whole, or whose pointer is damaged. */
  readonly broken: readonly string[];
  /** Packs whose index cannot be read. */
  readonly unreadable: readonly string[];
}

export interface ScrubProgress {
  readonly packs: number;
  readonly ofPacks: number;
  readonly bytes: number;
}

export interface ScrubOptions {
  /** Ends it early; the next one goes on from there. */
  readonly signal?: AbortSignal;
  /** Begin with the first pack, wherever an earlier scrub had got to. */
  readonly restart?: boolean;
  /** Told after each pack. */
  readonly onProgress?: (progress: ScrubProgress) => void;
  /** Brings back what was lost, once all has been read; what it cannot is reported as broken. */
  readonly repair?: () => Promise<void>;
}

const stateKey = 'gc/scrub';
const stateRecord = z.object({
  format: z.literal('mintmark-scrub'),
  version: z.literal(1),
  /** Name of the last pack that was read; they are read in the order of their names. */
  after: z.string(),
  checkedChunks: z.int().nonnegative(),
  checkedBytes: z.int().nonnegative(),
});
type State = Pick<z.output<typeof stateRecord>, 'after' | 'checkedChunks' | 'checkedBytes'>;
const fromTheStart: State = { after: '', checkedChunks: 0, checkedBytes: 0 };

/** Where it got to is noted each time so many packs were read. */
const noteEvery = 16;

async function readState({ store }: Vault): Promise<State> {
  const bytes = await store.get(stateKey);
  return bytes === undefined ? fromTheStart : openRecord(bytes, stateRecord, stateKey);
}

async function noteState({ store }: Vault, state: State): Promise<void> {
  await store.put(stateKey, [sealRecord({ format: 'mintmark-scrub', version: 1, ...state })]);
}

/** Hashes every chunk of a pack; undefined where the pack is gone. */
async function checkPack(vault: Vault, pack: IndexedPack): Promise<{ chunks: number; bytes: number } | undefined> {
  const { store, catalog, damage } = vault;
  const bytes = await store.get(packKey(pack.name));
  if (bytes === undefined) {
    catalog.index.removePacks([pack.name]);
    return undefined;
  }
  if (await rescuePack(vault, pack, bytes)) return { chunks: pack.entries, bytes: bytes.length };
  let checked = 0;
  for (let entry = 0; entry < pack.entries; entry += 1) {
    const { sha256, kind, ...rest } = packEntry.decode(pack.index, entry * packEntry.bytes);
    const location: ChunkLocation = { ...rest, kind: kind as ChunkKind, pack: pack.name, entry };
    const stored = bytes.subarray(location.offset, location.offset + location.storedBytes);
    checked += stored.length;
    const sound = (await decodeChunk(stored, location, sha256)) !== undefined;
    if (!sound) await damage.note(location, sha256);
    else if (damage.has(location)) await damage.clear(location);
  }
  return { chunks: pack.entries, bytes: checked };
}

/** Throws `vault.unavailable` where the store does not answer, and the signal's reason. */
export async function scrubVault(vault: Vault, options: ScrubOptions = {}): Promise<ScrubReport> {
  const { signal, restart = false, onProgress, repair } = options;
  const { store, catalog } = vault;
  await catalog.refresh();
  let state = restart ? fromTheStart : await readState(vault);
  const resumed = state.after !== '';
  const packs = Array.from(catalog.index.packs()).sort((a, b) => (a.name < b.name ? -1 : 1));
  const begin = packs.findIndex(({ name }) => name > state.after);
  try {
    for (const [number, pack] of packs.entries()) {
      if (begin === -1 || number < begin) continue;
      signal?.throwIfAborted();
      const checked = (await checkPack(vault, pack)) ?? { chunks: 0, bytes: 0 };
      state = {
        after: pack.name,
        checkedChunks: state.checkedChunks + checked.chunks,
        checkedBytes: state.checkedBytes + checked.bytes,
      };
      if ((number + 1) % noteEvery === 0) await noteState(vault, state);
      onProgress?.({ packs: number + 1, ofPacks: packs.length, bytes: state.checkedBytes });
    }
    await repair?.();
  } catch (error) {
    if (state !== fromTheStart) await noteState(vault, state).catch(() => undefined);
    throw error;
  }
  const { checkedChunks, checkedBytes } = state;
  const report = {
    checkedChunks,
    checkedBytes,
    resumed,
    ...damageIn(vault),
    broken: await brokenDisks(vault),
    unreadable: [...catalog.unreadable.keys()],
  };
  await store.remove(stateKey);
  return report;
}

function damageIn({ catalog, damage }: Vault): Pick<ScrubReport, 'damaged' | 'repaired'> {
  const damaged = new Set<string>();
  const repaired = new Set<string>();
  for (const pack of catalog.index.packs()) {
    for (const entry of pack.damaged) {
      const { sha256 } = packEntry.decode(pack.index, entry * packEntry.bytes);
      const chunk = sha256.toString('hex');
      damaged.add(chunk);
      for (const { location } of catalog.index.find(sha256)) if (!damage.has(location)) repaired.add(chunk);
    }
  }
  return { damaged: [...damaged], repaired: [...repaired] };
}

/** Names of images and snapshots that have lost something. */
async function brokenDisks(vault: Vault): Promise<string[]> {
  const [images, volumes] = [await vault.surveyImages(), await vault.surveyVolumes()];
  const broken = [...images.damaged, ...volumes.damaged];
  for (const { identifier, manifestId } of images.found) {
    if (isLost(await lossOf(vault, manifestId))) broken.push(identifier);
  }
  for (const { volume, epoch, manifestId } of volumes.found) {
    if (isLost(await lossOf(vault, manifestId))) broken.push(`${volume}/${epoch}`);
  }
  return broken;
}
