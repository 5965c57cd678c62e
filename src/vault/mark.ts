// Marks every chunk that a pointer, or a disk that is open here, leads to; each on one copy, so that other copies are garbage.
import { openManifest } from './disk-reader.ts';
import { readLeases } from './leases.ts';
import { hashBytes, leafCount, zeroHash } from './manifest.ts';
import { packEntry } from './pack.ts';
import { type Vault } from './vault.ts';

export interface Marks {
  readonly liveChunks: number;
  readonly liveBytes: number;
  /** Bytes of packs that the live chunks take. */
  readonly storedBytes: number;
  /** Stored bytes of the pack's chunks, and of those that are live. */
  shareOf(pack: string): { readonly liveBytes: number; readonly bytes: number };
  /** Numbers of the live chunks of a pack. */
  liveEntries(pack: string): readonly number[];
}

/** Marks of what was added so far. */
export interface Marker extends Marks {
  /** Marks all that a manifest leads to. Throws where it cannot be read. */
  add(manifestId: string): Promise<void>;
}

/** Manifests that must stay: of all pointers but those of `without`, of all leases, and of disks that are open in this process. */
export async function rootsOf(vault: Vault, without: ReadonlySet<string>): Promise<ReadonlySet<string>> {
  const roots = new Set(vault.openDisks.keys());
  for (const { identifier, manifestId } of await vault.listImages())
    if (!without.has(identifier)) roots.add(manifestId);
  for (const { manifestId } of await vault.listVolumes()) roots.add(manifestId);
  // Leases last: where a pointer was taken away meanwhile, the lease that keeps its disk was there before.
  for (const { manifestId } of await readLeases(vault.store)) roots.add(manifestId);
  return roots;
}

const storedBytesAt = packEntry.fields.find(({ name }) => name === 'storedBytes')?.at ?? 0;

const storedBytes = (packIndex: Buffer, entry: number): number =>
  packIndex.readUInt32LE(entry * packEntry.bytes + storedBytesAt);

export interface MarkOptions {
  readonly signal?: AbortSignal | undefined;
  /** Told after each disk. */
  readonly onProgress?: ((progress: { readonly disks: number; readonly ofDisks: number }) => void) | undefined;
}

/** Throws where a pointer or a manifest cannot be read: then nothing may be collected; and the signal's reason. */
export async function markLive(
  vault: Vault,
  condemned: ReadonlySet<string>,
  { signal, onProgress }: MarkOptions = {},
): Promise<Marks> {
  const marker = createMarker(vault, condemned);
  const roots = await rootsOf(vault, new Set());
  let disks = 0;
  for (const root of roots) {
    signal?.throwIfAborted();
    await marker.add(root);
    disks += 1;
    onProgress?.({ disks, ofDisks: roots.size });
  }
  return marker;
}

/** Nothing is marked yet. Copies in packs that are `condemned` are taken only where there is no other. */
export function createMarker(vault: Vault, condemned: ReadonlySet<string>): Marker {
  const { index } = vault.catalog;
  const live = new Map<string, Uint8Array>();
  let liveChunks = 0;
  let liveBytes = 0;
  let stored = 0;

  /**
   * False: the chunk was marked before. A copy that is not known as damaged is preferred, then one that is not about to go, then that of the lower
   * name.
   */
  function mark(sha256: Buffer): boolean {
    const copies = Array.from(index.find(sha256));
    if (copies.some(({ pack, location }) => live.get(pack.name)?.[location.entry] === 1)) return false;
    copies.sort(
      (a, b) =>
        Number(vault.damage.has(a.location)) - Number(vault.damage.has(b.location)) ||
        Number(condemned.has(a.pack.name)) - Number(condemned.has(b.pack.name)) ||
        (a.pack.name < b.pack.name ? -1 : 1),
    );
    const [best] = copies;
    if (best === undefined) return true;
    let bits = live.get(best.pack.name);
    if (bits === undefined) {
      bits = new Uint8Array(best.pack.entries);
      live.set(best.pack.name, bits);
    }
    bits[best.location.entry] = 1;
    liveChunks += 1;
    liveBytes += best.location.plainBytes;
    stored += best.location.storedBytes;
    return true;
  }

  async function add(root: string): Promise<void> {
    const tree = await openManifest(vault.reader, root);
    mark(Buffer.from(root, 'hex'));
    const leaves = leafCount(tree.manifest.size);
    for (let number = 0; number < leaves; number += 1) {
      const leafHash = tree.manifest.leaves.subarray(number * hashBytes, (number + 1) * hashBytes);
      if (leafHash.equals(zeroHash)) continue;
      const hashes = await tree.leaf(number);
      if (!mark(leafHash)) continue;
      for (let at = 0; at < hashes.length; at += hashBytes) {
        const sha256 = hashes.subarray(at, at + hashBytes);
        if (!sha256.equals(zeroHash)) mark(sha256);
      }
    }
  }

  return {
    add,
    get liveChunks() {
      return liveChunks;
    },
    get liveBytes() {
      return liveBytes;
    },
    get storedBytes() {
      return stored;
    },
    shareOf(name) {
      const pack = index.pack(name);
      const bits = live.get(name);
      let alive = 0;
      let bytes = 0;
      if (pack === undefined) return { liveBytes: 0, bytes: 0 };
      for (let entry = 0; entry < pack.entries; entry += 1) {
        const length = storedBytes(pack.index, entry);
        bytes += length;
        if (bits?.[entry] === 1) alive += length;
      }
      return { liveBytes: alive, bytes };
    },
    liveEntries: (name) =>
      Array.from(live.get(name) ?? [], (bit, entry) => (bit === 1 ? entry : -1)).filter((entry) => entry >= 0),
  };
}
