// Which images go when room is needed: the least recently used first, and never one that is pinned or in use.
import { z } from 'zod';
import { Fault } from '../errors/fault.ts';
import { lastUses } from './last-use.ts';
import { readLeases } from './leases.ts';
import { imageKey, usedKey, type ImagePointer } from './records.ts';
import { openRecord, sealRecord } from './sealed-record.ts';
import { type Vault } from './vault.ts';

const pinRecord = z.object({
  format: z.literal('mintmark-pin'),
  version: z.literal(1),
  identifier: z.string(),
  pinned: z.string(),
});

function pinKey(identifier: string): string {
  if (imageKey(identifier) === undefined) {
    throw new Fault('usage', `"${identifier}" is no image identifier.`, {
      action: 'It is 27 letters, digits, - and _, as "mintmark cache list" shows them.',
    });
  }
  return `pins/${identifier}`;
}

const notHere = (identifier: string): Fault =>
  new Fault('not-found', `The image ${identifier} is not in the cache.`, {
    action: `See what is here with "mintmark cache list"; "mintmark image pull ${identifier}" brings it.`,
  });

/** A pinned image is never evicted. Throws `not-found` where it is not in the vault. */
export async function pinImage(vault: Vault, identifier: string): Promise<void> {
  const key = pinKey(identifier);
  if ((await vault.image(identifier)) === undefined) throw notHere(identifier);
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
  readonly dryRun?: boolean;
  /** Told after each image that went. */
  readonly onEvicted?: ((image: ImagePointer) => void) | undefined;
}

/** Why each image stays; what may go is left out. */
async function whatStays(vault: Vault): Promise<ReadonlyMap<string, string>> {
  const stays = new Map<string, string>();
  const nodes = new Map((await readLeases(vault.store)).map(({ node, manifestId }) => [manifestId, node]));
  for (const { identifier, manifestId } of await vault.listImages()) {
    const node = nodes.get(manifestId);
    if (vault.openDisks.has(manifestId)) stays.set(identifier, 'it is being read');
    if (node !== undefined)
      stays.set(identifier, node === vault.node ? 'volumes are made from it' : `${node} has volumes of it`);
  }
  for (const identifier of await pinnedImages(vault)) stays.set(identifier, 'it is pinned');
  return stays;
}

/** Images that nothing holds, those that were used longest ago first. */
export async function evictable(vault: Vault): Promise<readonly ImagePointer[]> {
  const [stays, uses] = [await whatStays(vault), await lastUses(vault)];
  const usedOf = ({ identifier, verdict }: ImagePointer): number =>
    Math.max(uses.get(identifier) ?? 0, Date.parse(verdict.verified));
  const images = (await vault.listImages()).filter(({ identifier }) => !stays.has(identifier));
  return images.sort((a, b) => usedOf(a) - usedOf(b));
}

/** False: somebody came to use it meanwhile, and it stays. */
async function evictOne(vault: Vault, pointer: ImagePointer): Promise<boolean> {
  const { identifier, manifestId } = pointer;
  await vault.removeImage(identifier);
  const leases = await readLeases(vault.store);
  if (leases.some((lease) => lease.manifestId === manifestId) || vault.openDisks.has(manifestId)) {
    await vault.restoreImage(pointer);
    return false;
  }
  await vault.store.remove(usedKey(identifier));
  return true;
}

/**
 * Takes the pointers away; the room comes back with the next collections of garbage. What is held by a lease of any node, pinned or open here
 * stays. Throws `vault.in-use`, `not-found`.
 */
export async function evictImages(vault: Vault, options: EvictOptions): Promise<readonly ImagePointer[]> {
  const { identifiers, freeBytes = 0, dryRun = false, onEvicted } = options;
  const chosen = identifiers === undefined ? await leastUsed(vault, freeBytes) : await named(vault, identifiers);
  if (dryRun) return chosen;
  const gone: ImagePointer[] = [];
  for (const image of chosen) {
    if (await evictOne(vault, image)) {
      gone.push(image);
      onEvicted?.(image);
    } else if (identifiers !== undefined) throw inUse(image.identifier, 'a volume was just made from it');
  }
  return gone;
}

/**
 * Of these images, those that may go still go, one after another; what is gone already, or has come into use, is passed over. So it may be
 * ended, and begun again. Throws the signal's reason.
 */
export async function evictThose(
  vault: Vault,
  identifiers: readonly string[],
  { signal, onEvicted }: { readonly signal: AbortSignal; readonly onEvicted: (image: ImagePointer) => void },
): Promise<void> {
  const may = new Map((await evictable(vault)).map((image) => [image.identifier, image]));
  for (const identifier of identifiers) {
    signal.throwIfAborted();
    const image = may.get(identifier);
    if (image !== undefined && (await evictOne(vault, image))) onEvicted(image);
  }
}

const inUse = (identifier: string, reason: string): Fault =>
  new Fault('vault.in-use', `The image ${identifier} stays, because ${reason}.`);

async function leastUsed(vault: Vault, freeBytes: number): Promise<readonly ImagePointer[]> {
  const chosen: ImagePointer[] = [];
  let bytes = 0;
  for (const image of await evictable(vault)) {
    if (bytes >= freeBytes) break;
    chosen.push(image);
    bytes += image.size;
  }
  return chosen;
}

async function named(vault: Vault, identifiers: readonly string[]): Promise<readonly ImagePointer[]> {
  const stays = await whatStays(vault);
  const chosen: ImagePointer[] = [];
  for (const identifier of identifiers) {
    const image = await vault.image(identifier);
    if (image === undefined) throw notHere(identifier);
    const reason = stays.get(identifier);
    if (reason !== undefined) throw inUse(identifier, reason);
    chosen.push(image);
  }
  return chosen;
}
