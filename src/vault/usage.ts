// What the vault holds, and what sharing chunks saves.
import { markLive } from './mark.ts';
import { type Vault } from './vault.ts';

export interface VaultUsage {
  readonly images: number;
  readonly snapshots: number;
  /** Sizes of all images and snapshots as disks, added up. */
  readonly diskBytes: number;
  /** Chunks that a pointer leads to, each counted once, and their bytes outside the vault. */
  readonly liveChunks: number;
  readonly liveBytes: number;
  /** Bytes of all packs. */
  readonly storedBytes: number;
  readonly packs: number;
  /** Bytes in packs that nothing leads to: what collections of garbage will free. */
  readonly garbageBytes: number;
  /** `diskBytes` for each byte stored; zeros and shared chunks make it greater than 1. */
  readonly ratio: number;
}

/** Reads every manifest. Throws `vault.corrupt` where one cannot be read. */
export async function vaultUsage(vault: Vault): Promise<VaultUsage> {
  await vault.catalog.refresh();
  const [images, snapshots, marks] = [
    await vault.listImages(),
    await vault.listVolumes(),
    await markLive(vault, new Set()),
  ];
  let storedBytes = 0;
  let garbageBytes = 0;
  let packs = 0;
  for (const pack of vault.catalog.index.packs()) {
    packs += 1;
    storedBytes += pack.bytes;
    const { liveBytes, bytes } = marks.shareOf(pack.name);
    garbageBytes += bytes - liveBytes;
  }
  const diskBytes = [...images, ...snapshots].reduce((sum, { size }) => sum + size, 0);
  const { liveChunks, liveBytes } = marks;
  return {
    images: images.length,
    snapshots: snapshots.length,
    diskBytes,
    liveChunks,
    liveBytes,
    storedBytes,
    packs,
    garbageBytes,
    ratio: storedBytes === 0 ? 1 : diskBytes / storedBytes,
  };
}
