// Where a site's images can be repaired from: its own disks, vaults of others, a copy that an operator names, and all entries.
import { open, stat } from 'node:fs/promises';
import { Fault } from '../errors/fault.ts';
import { imageRepair, type RepairImage } from '../pull/repair-image.ts';
import { type Puller } from '../pull/puller.ts';
import { type Registry } from '../registry/registry.ts';
import { type ChunkSource, type DamagedDisk, type SourcesFor } from '../vault/chunk-source.ts';
import { type ObjectStore } from '../vault/object-store.ts';
import { rawDiskSource } from '../vault/raw-disk-source.ts';
import { salvageSource } from '../vault/salvage.ts';
import { storeSource } from '../vault/store-source.ts';
import { openDirectoryStore } from '../vault/stores/directory.ts';
import { type Vault } from '../vault/vault.ts';
import { type LocalCopies } from '../volumes/local-copies.ts';

export interface RepairDeps {
  readonly vault: Vault;
  readonly registry: Pick<Registry, 'entry' | 'image'>;
  readonly puller: Pick<Puller, 'pull'>;
  /** What this node's volumes have of disks of the vault. */
  readonly localCopies: LocalCopies;
  /** Vaults of others, by the names that the configuration gives them. */
  readonly otherVaults: readonly { readonly name: string; readonly open: () => Promise<ObjectStore> }[];
}

/** Packs that can still be read in part, disks of this node, then other vaults. */
export function siteSources({ vault, localCopies, otherVaults }: Omit<RepairDeps, 'registry' | 'puller'>): SourcesFor {
  return async (disk) => [
    salvageSource(vault),
    ...(await localCopies()).map((copy) =>
      rawDiskSource(`the disk ${copy.manifestId} here`, disk, (offset, length) => copy.read(offset, length)),
    ),
    ...otherVaults.map(({ name, open: openStore }) => storeSource(name, openStore)),
  ];
}

/** Exactly `length` bytes from `offset`; past the end of the file they are zeros. */
async function readFileAt(path: string, offset: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  const file = await open(path);
  try {
    await file.read(bytes, 0, length, offset);
    return bytes;
  } finally {
    await file.close();
  }
}

/** A folder is taken for that of a vault, anything else for the raw disk. Throws `usage` where it cannot be read. */
export async function namedCopy(path: string, disk: DamagedDisk): Promise<ChunkSource> {
  const unreadable = (cause: unknown): Fault =>
    new Fault('usage', `${path} cannot be read by the server that repairs the image.`, {
      cause,
      action: 'Name a raw disk or the folder of a vault by its whole path on that server, or an http(s) address.',
    });
  const found = await stat(path).catch((error: unknown) => Promise.reject(unreadable(error)));
  if (found.isDirectory()) return storeSource(path, () => openDirectoryStore(path, 'read'));
  return rawDiskSource(path, disk, (offset, length) =>
    readFileAt(path, offset, length).catch((error: unknown) => Promise.reject(unreadable(error))),
  );
}

/** No policy is asked: what is proven by the hashes of the disk is the disk that was admitted. */
export function siteRepair(deps: RepairDeps): RepairImage {
  const { vault, registry, puller } = deps;
  return imageRepair({
    vault,
    puller,
    sourcesFor: siteSources(deps),
    namedCopy,
    async descriptionsOf({ identifier, verdict }) {
      const pulledFor = await registry.entry(verdict.entry).catch(() => undefined);
      const entries = [...(pulledFor === undefined ? [] : [pulledFor]), ...(await registry.image(identifier))];
      return entries.map(({ metadata }) => metadata);
    },
  });
}
