// Reads everything back and hashes it: what is damaged is repaired from another copy, or the images that it breaks are named.
import { decodeChunk } from './chunk-reader.ts';
import { openManifest } from './disk-reader.ts';
import { Fault } from '../errors/fault.ts';
import { withIntent } from './intent.ts';
import { type ChunkLocation } from './location-index.ts';
import { hashBytes, leafCount, zeroHash } from './manifest.ts';
import { packEntry, type ChunkKind } from './pack.ts';
import { createPackWriter } from './pack-writer.ts';
import { packKey } from './records.ts';
import { type Vault } from './vault.ts';

export interface ScrubReport {
  readonly checkedChunks: number;
  readonly checkedBytes: number;
  /** Chunks with a damaged copy, hex; those of which another copy is good were written anew. */
  readonly damaged: readonly string[];
  readonly repaired: readonly string[];
  /** Identifiers of images, and `volume/epoch` of snapshots, that cannot be read whole. */
  readonly broken: readonly string[];
}

export interface ScrubOptions {
  readonly signal?: AbortSignal;
  /** Told after each pack. */
  readonly onProgress?: (progress: {
    readonly packs: number;
    readonly ofPacks: number;
    readonly bytes: number;
  }) => void;
}

interface Damage {
  readonly sha256: Buffer;
  readonly pack: string;
  readonly kind: ChunkKind;
}

const hex = (hash: Buffer): string => hash.toString('hex');

/** Throws `vault.unavailable` where the store does not answer. */
export async function scrubVault(vault: Vault, { signal, onProgress }: ScrubOptions = {}): Promise<ScrubReport> {
  const { store, catalog, reader } = vault;
  await catalog.refresh();
  const damage: Damage[] = [];
  let checkedChunks = 0;
  let checkedBytes = 0;
  const packs = Array.from(catalog.index.packs());
  for (const [number, pack] of packs.entries()) {
    signal?.throwIfAborted();
    const bytes = await store.get(packKey(pack.name));
    if (bytes === undefined) {
      catalog.index.removePacks([pack.name]);
      continue;
    }
    for (let entry = 0; entry < pack.entries; entry += 1) {
      const { sha256, kind, ...rest } = packEntry.decode(pack.index, entry * packEntry.bytes);
      const location: ChunkLocation = { ...rest, kind: kind as ChunkKind, pack: pack.name, entry };
      const stored = bytes.subarray(location.offset, location.offset + location.storedBytes);
      checkedChunks += 1;
      checkedBytes += stored.length;
      if ((await decodeChunk(stored, location, sha256)) === undefined) {
        reader.noteDamaged(location);
        damage.push({ sha256, pack: pack.name, kind: location.kind });
      }
    }
    onProgress?.({ packs: number + 1, ofPacks: packs.length, bytes: checkedBytes });
  }
  const repaired = await repair(vault, damage);
  const lost = new Set(damage.map(({ sha256 }) => hex(sha256)).filter((sha256) => !repaired.includes(sha256)));
  const broken: string[] = [];
  for (const { identifier, manifestId } of await vault.listImages()) {
    if (await isBroken(vault, manifestId, lost)) broken.push(identifier);
  }
  for (const { volume, epoch, manifestId } of await vault.listVolumes()) {
    if (await isBroken(vault, manifestId, lost)) broken.push(`${volume}/${epoch}`);
  }
  return { checkedChunks, checkedBytes, damaged: damage.map(({ sha256 }) => hex(sha256)), repaired, broken };
}

/** Writes a new copy of each damaged chunk that has a good one. */
async function repair(vault: Vault, damage: readonly Damage[]): Promise<string[]> {
  const repaired: string[] = [];
  if (damage.length === 0) return repaired;
  const writer = vault.random(12).toString('hex');
  await withIntent(vault, writer, async () => {
    const packs = createPackWriter(vault.store, vault.catalog, writer, false);
    for (const { sha256, kind } of damage) {
      try {
        await packs.add(sha256, await vault.reader.read(sha256), kind);
        repaired.push(sha256.toString('hex'));
      } catch (error) {
        if (!(error instanceof Fault) || (error.code !== 'vault.corrupt' && error.code !== 'vault.missing'))
          throw error;
      }
    }
    await packs.flush();
  });
  return repaired;
}

async function isBroken(vault: Vault, manifestId: string, lost: ReadonlySet<string>): Promise<boolean> {
  try {
    const tree = await openManifest(vault.reader, manifestId);
    for (let number = 0; number < leafCount(tree.manifest.size); number += 1) {
      const hashes = await tree.leaf(number);
      for (let at = 0; at < hashes.length; at += hashBytes) {
        const sha256 = hashes.subarray(at, at + hashBytes);
        if (sha256.equals(zeroHash)) continue;
        if (lost.has(sha256.toString('hex')) || vault.catalog.index.find(sha256).next().done === true) return true;
      }
    }
    return false;
  } catch (error) {
    if (error instanceof Fault && error.code !== 'vault.unavailable') return true;
    throw error;
  }
}
