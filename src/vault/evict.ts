// Which images go when room is needed: the least recently used first, and never one that is pinned or in use.
import { z } from 'zod';
import { Fault } from '../errors/fault.ts';
import { imageKey, type ImagePointer } from './records.ts';
import { openRecord, sealRecord } from './sealed-record.ts';
import { type Vault } from './vault.ts';

const pinRecord = z.object({
  format: z.literal('mintmark-pin'),
  version: z.literal(1),
  identifier: z.string(),
  pinned: z.string(),
});

function pinKey(identifier: string): string {
  if (imageKey(identifier) === undefined) throw new Fault('usage', `"${identifier}" is no image identifier.`);
  return `pins/${identifier}`;
}

/** A pinned image is never evicted. Throws `not-found` where it is not in the vault. */
export async function pinImage(vault: Vault, identifier: string): Promise<void> {
  const key = pinKey(identifier);
  if ((await vault.image(identifier)) === undefined)
    throw new Fault('not-found', `The vault has no image ${identifier}.`);
  await vault.store.put(key, [
    sealRecord({ format: 'mintmark-pin', version: 1, identifier, pinned: vault.now().toISOString() }),
  ]);
}

export async function unpinImage(vault: Vault, identifier: string): Promise<void> {
  await vault.store.remove(pinKey(identifier));
}

export async function pinnedImages(vault: Vault): Promise<ReadonlySet<string>> {
  const pinned = new Set<string>();
  for await (const { key } of vault.store.list('pins/')) {
    const bytes = await vault.store.get(key);
    if (bytes !== undefined) pinned.add(openRecord(bytes, pinRecord, key).identifier);
  }
  return pinned;
}

export interface EvictOptions {
  /** These images, or, where it is left out, as many as `freeBytes` takes. */
  readonly identifiers?: readonly string[];
  /** Sizes of the images that go come to this much or more. What is shared with others is freed with the last of them. */
  readonly freeBytes?: number;
  /** Images that volumes are made from, or that are attached. */
  readonly inUse: ReadonlySet<string>;
  /** When the image was last used, in ms since 1970; the time it was pulled where it is unknown. */
  readonly lastUsed?: (identifier: string) => number | undefined;
  readonly dryRun?: boolean;
}

/** Takes the pointers away; the room comes back with the next collections of garbage. Throws `vault.in-use`, `not-found`. */
export async function evictImages(vault: Vault, options: EvictOptions): Promise<readonly ImagePointer[]> {
  const { identifiers, freeBytes = 0, inUse, lastUsed = () => undefined, dryRun = false } = options;
  const pinned = await pinnedImages(vault);
  const images = await vault.listImages();
  /** Why an image stays; undefined where it may go. */
  const held = ({ identifier, manifestId }: ImagePointer): string | undefined => {
    if (pinned.has(identifier)) return 'it is pinned';
    if (inUse.has(identifier)) return 'volumes are made from it';
    return vault.openDisks.has(manifestId) ? 'it is being read' : undefined;
  };
  const chosen: ImagePointer[] = [];
  if (identifiers === undefined) {
    const ages = images
      .filter((image) => held(image) === undefined)
      .map((image) => ({ image, used: lastUsed(image.identifier) ?? Date.parse(image.verdict.verified) }))
      .sort((a, b) => a.used - b.used);
    let bytes = 0;
    for (const { image } of ages) {
      if (bytes >= freeBytes) break;
      chosen.push(image);
      bytes += image.size;
    }
  } else {
    for (const identifier of identifiers) {
      const image = images.find((candidate) => candidate.identifier === identifier);
      if (image === undefined) throw new Fault('not-found', `The vault has no image ${identifier}.`);
      const reason = held(image);
      if (reason !== undefined) throw new Fault('vault.in-use', `The image ${identifier} stays, because ${reason}.`);
      chosen.push(image);
    }
  }
  if (!dryRun) for (const { identifier } of chosen) await vault.removeImage(identifier);
  return chosen;
}
