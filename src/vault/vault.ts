// The vault: disks as chunks in an object store, and the pointers that say which image is which disk.
import { randomBytes } from 'node:crypto';
import { Fault } from '../errors/fault.ts';
import { createCatalog, type Catalog } from './catalog.ts';
import { createChunkCache } from './chunk-cache.ts';
import { createChunkReader, type ChunkReader } from './chunk-reader.ts';
import { releaseStaleLock } from './condemned.ts';
import { createDamageNotes, type DamagedCopy, type DamageNotes } from './damage.ts';
import { createStoredDisk, openManifest, type CachedDisk } from './disk-reader.ts';
import { openIndexFile } from './index-file.ts';
import { type ObjectStore } from './object-store.ts';
import { imageKey, imageRecord, volumeKey, volumeRecord, type ImagePointer, type VolumePointer } from './records.ts';
import { isSealed, openRecord, sealRecord } from './sealed-record.ts';
import { isResumable, undoUnfinished } from './unfinished.ts';
import { beginWrite, type WriteSession } from './write-session.ts';

export interface VaultSettings {
  readonly store: ObjectStore;
  /**
   * Name of this process among those that share the store, `A-Z a-z 0-9 . -`. What a process of the same name left unfinished is removed
   * when the vault is opened, so no two that run at once may have the same.
   */
  readonly node: string;
  /** Writers of this node that somebody will go on with: what they left is not removed. */
  readonly suspended?: ReadonlySet<string>;
  /** Deflate chunks where that saves at least an eighth. Default: no. */
  readonly compress?: boolean;
  /** A file of this process that keeps the indexes of packs from one start to the next. Default: all are read at each start. */
  readonly indexFile?: string;
  /** Chunks that were read are kept in memory up to this, in bytes, for all disks together. Default: 32 MiB. */
  readonly cacheBytes?: number;
  /** Told when a disk was read at a chunk that has no good copy any more. */
  readonly onLost?: () => void;
  /** Told of each copy of a chunk that this process is the first here to find damaged. */
  readonly onDamage?: (copy: DamagedCopy) => void;
  readonly now?: () => Date;
  readonly random?: (bytes: number) => Buffer;
}

export interface Vault {
  /** Publishes an intent and begins a write. */
  beginWrite(): Promise<WriteSession>;
  /** Goes on with a write of this node that was suspended, or whose process was killed. Undefined where there is nothing to go on from. */
  resumeWrite(writer: string): Promise<WriteSession | undefined>;
  /** Opens a disk that a pointer names. Throws `not-found`, `vault.corrupt` or `vault.unavailable`. */
  openDisk(manifestId: string): Promise<CachedDisk>;
  image(identifier: string): Promise<ImagePointer | undefined>;
  /** Throws `vault.corrupt` where a pointer is damaged: who decides by them what may go must know all. */
  listImages(): Promise<readonly ImagePointer[]>;
  /** The same for who only looks: pointers that are damaged are left out, and named. */
  surveyImages(): Promise<Survey<ImagePointer>>;
  /** Whether there is a pointer for the image that nobody can read any more. One of a newer release is not damaged. */
  hasDamagedPointer(identifier: string): Promise<boolean>;
  /** Takes the pointer away: the image can be found no more. Its chunks go with the next collections of garbage. False: there was none. */
  removeImage(identifier: string): Promise<boolean>;
  /** Puts a pointer back that was just taken away, unless another is there by now. */
  restoreImage(pointer: ImagePointer): Promise<void>;
  volume(id: string, epoch: number): Promise<VolumePointer | undefined>;
  listVolumes(): Promise<readonly VolumePointer[]>;
  surveyVolumes(): Promise<Survey<VolumePointer>>;
  removeVolume(id: string, epoch: number): Promise<boolean>;
  /** Manifests that are open in this process, with how many times each. */
  readonly openDisks: ReadonlyMap<string, number>;
  /** Whether anything here may be lost, as far as it is known: damage was noted, a pack cannot be read, or a chunk was missed. */
  readonly isSuspect: boolean;
  readonly store: ObjectStore;
  readonly catalog: Catalog;
  readonly reader: ChunkReader;
  readonly damage: DamageNotes;
  readonly now: () => Date;
  readonly random: (bytes: number) => Buffer;
  readonly node: string;
}

/** Pointers as far as they can be read, and the names of those that cannot: what follows `images/` or `volumes/`. */
export interface Survey<Pointer> {
  readonly found: readonly Pointer[];
  readonly damaged: readonly string[];
}

const nodePattern = /^[A-Za-z0-9][A-Za-z0-9.-]{0,99}$/;

export async function openVault(settings: VaultSettings): Promise<Vault> {
  const {
    store,
    node,
    suspended = new Set(),
    compress = false,
    cacheBytes = 32 * 1024 * 1024,
    indexFile,
    onLost,
    onDamage,
    now = () => new Date(),
    random = randomBytes,
  } = settings;
  if (!nodePattern.test(node)) throw new Fault('usage', `"${node}" cannot be the name of a node.`);
  await undoUnfinished(store, node, suspended);
  await releaseStaleLock(store, node);
  const catalog = createCatalog(store, indexFile === undefined ? undefined : await openIndexFile(indexFile));
  await catalog.refresh();
  const damage = createDamageNotes({ store, catalog, node, now, onDamage });
  let missed = false;
  const miss = (): void => {
    missed = true;
  };
  // Who looks for what is lost meets it too, and is no reason to look for it again.
  const reader = createChunkReader(store, catalog, damage, miss);
  const serving = createChunkReader(store, catalog, damage, () => {
    miss();
    onLost?.();
  });
  const cache = createChunkCache(serving, cacheBytes);
  const openDisks = new Map<string, number>();

  async function readImage(key: string): Promise<ImagePointer | undefined> {
    const bytes = await store.get(key);
    return bytes === undefined ? undefined : openRecord(bytes, imageRecord, key);
  }

  async function readVolume(key: string): Promise<VolumePointer | undefined> {
    const bytes = await store.get(key);
    return bytes === undefined ? undefined : openRecord(bytes, volumeRecord, key);
  }

  async function readAll<T>(prefix: string, read: (key: string) => Promise<T | undefined>): Promise<T[]> {
    const found: T[] = [];
    for await (const { key } of store.list(prefix)) {
      const record = await read(key);
      if (record !== undefined) found.push(record);
    }
    return found;
  }

  async function survey<T>(prefix: string, read: (key: string) => Promise<T | undefined>): Promise<Survey<T>> {
    const found: T[] = [];
    const damaged: string[] = [];
    for await (const { key } of store.list(prefix)) {
      try {
        const record = await read(key);
        if (record !== undefined) found.push(record);
      } catch (error) {
        if (!(error instanceof Fault) || error.code !== 'vault.corrupt') throw error;
        damaged.push(key.slice(prefix.length));
      }
    }
    return { found, damaged };
  }

  async function isPointedTo(manifestId: string): Promise<boolean> {
    const names = (pointer: { readonly manifestId: string }): boolean => pointer.manifestId === manifestId;
    return (await readAll('volumes/', readVolume)).some(names) || (await readAll('images/', readImage)).some(names);
  }

  const writes = { store, catalog, reader, damage, node, compress, isPointedTo, now };

  async function removeKey(key: string | undefined): Promise<boolean> {
    if (key === undefined || (await store.info(key)) === undefined) return false;
    await store.remove(key);
    return true;
  }

  return {
    store,
    catalog,
    reader,
    damage,
    openDisks,
    get isSuspect() {
      return missed || catalog.index.hasDamage || catalog.unreadable.size > 0;
    },
    now,
    random,
    node,
    beginWrite: () => beginWrite({ ...writes, writer: random(12).toString('hex'), resumes: false }),
    resumeWrite: async (writer) =>
      (await isResumable({ store, node, now }, writer)) ? beginWrite({ ...writes, writer, resumes: true }) : undefined,
    async openDisk(manifestId) {
      openDisks.set(manifestId, (openDisks.get(manifestId) ?? 0) + 1);
      const release = async (): Promise<void> => {
        const left = (openDisks.get(manifestId) ?? 1) - 1;
        if (left === 0) openDisks.delete(manifestId);
        else openDisks.set(manifestId, left);
      };
      try {
        return createStoredDisk(cache, await openManifest(cache, manifestId), manifestId, release);
      } catch (error) {
        await release();
        throw error;
      }
    },
    async image(identifier) {
      const key = imageKey(identifier);
      return key === undefined ? undefined : readImage(key);
    },
    listImages: () => readAll('images/', readImage),
    surveyImages: () => survey('images/', readImage),
    async hasDamagedPointer(identifier) {
      const key = imageKey(identifier);
      const bytes = key === undefined ? undefined : await store.get(key);
      return bytes !== undefined && !isSealed(bytes);
    },
    removeImage: (identifier) => removeKey(imageKey(identifier)),
    async restoreImage(pointer) {
      const key = imageKey(pointer.identifier);
      if (key !== undefined) await store.put(key, [sealRecord(pointer)], { ifAbsent: true });
    },
    async volume(id, epoch) {
      const key = volumeKey(id, epoch);
      return key === undefined ? undefined : readVolume(key);
    },
    listVolumes: () => readAll('volumes/', readVolume),
    surveyVolumes: () => survey('volumes/', readVolume),
    removeVolume: (id, epoch) => removeKey(volumeKey(id, epoch)),
  };
}
