// One write into the vault, from its published intent to the pointer that makes it reachable, or to nothing at all.
import { Fault } from '../errors/fault.ts';
import { type Catalog } from './catalog.ts';
import { type ChunkReader } from './chunk-reader.ts';
import { openManifest } from './disk-reader.ts';
import { type DamageNotes } from './damage.ts';
import { writeDisk, type ChunkSink, type DiskToWrite } from './disk-writer.ts';
import { readCondemned } from './condemned.ts';
import { publishIntent, releasePacks } from './intent.ts';
import { type ObjectStore } from './object-store.ts';
import { createPackWriter } from './pack-writer.ts';
import {
  imageKey,
  imageRecord,
  intentKey,
  packKey,
  volumeKey,
  writerOf,
  type ImagePointer,
  type VolumePointer,
} from './records.ts';
import { openRecord, sealRecord } from './sealed-record.ts';

const renewEvery = 10 * 60 * 1000;

export type ImageToCommit = Omit<ImagePointer, 'format' | 'version' | 'writer'>;
export type SnapshotToCommit = Omit<VolumePointer, 'format' | 'version' | 'created' | 'writer'>;

export interface WriteSession {
  /** 24 hex digits. {@link Vault.resumeWrite} goes on from them where the session was suspended, or its process killed. */
  readonly writer: string;
  /** Whether this session may rely on the chunk: it need not be written. */
  has(sha256: Buffer): boolean;
  /** Writes a disk and returns the id of its manifest, hex. It is nobody's until it is committed. */
  writeDisk(disk: DiskToWrite & { readonly parent?: string }): Promise<string>;
  /**
   * Makes the image reachable and ends the session. Where another was quicker, its pointer is returned, and what this session wrote is
   * removed. Throws `vault.write-expired` where the intent was given up meanwhile.
   */
  commitImage(image: ImageToCommit): Promise<ImagePointer>;
  /** Makes a volume's snapshot reachable and ends the session. Throws `vault.write-expired`. */
  commitVolume(snapshot: SnapshotToCommit): Promise<VolumePointer>;
  /**
   * Ends the session and keeps what it wrote, where a pointer leads to the manifest already: new copies of damaged chunks. Throws
   * `vault.write-expired` where none does any more.
   */
  commitRepair(manifestId: string): Promise<void>;
  /**
   * Ends the session and keeps what it wrote for {@link Vault.resumeWrite}, as long as an intent lives. It is nobody's meanwhile. What cannot be put into
   * the store any more is given up.
   */
  suspend(): Promise<void>;
  /** Removes all that was written, unless it was committed. */
  abort(): Promise<void>;
  /** Bytes that were put into the store. */
  readonly storedBytes: number;
  /** Bytes of chunks that the vault had already. */
  readonly sharedBytes: number;
}

export interface SessionParts {
  readonly store: ObjectStore;
  readonly catalog: Catalog;
  readonly reader: ChunkReader;
  readonly damage: DamageNotes;
  readonly node: string;
  /** 12 random bytes, hex. */
  readonly writer: string;
  readonly compress: boolean;
  /** Goes on with what the writer wrote before. */
  readonly resumes: boolean;
  /** Whether a pointer leads to the manifest. */
  readonly isPointedTo: (manifestId: string) => Promise<boolean>;
  readonly now: () => Date;
}

export async function beginWrite({
  store,
  catalog,
  reader,
  damage,
  node,
  writer,
  compress,
  resumes,
  isPointedTo,
  now,
}: SessionParts): Promise<WriteSession> {
  let renewed = 0;
  const parts = { store, catalog, node, now };
  const intent = intentKey(node, writer);
  async function renew(): Promise<void> {
    renewed = now().getTime();
    await publishIntent(parts, writer);
  }
  // The order is what makes it safe (docs/vault-format.md, "Collecting garbage"): the intent, then the packs that are
  // there, then those among them that are about to go.
  await renew();
  await catalog.refresh();
  const condemned = new Set((await readCondemned(store)).packs.map((pack) => pack.name));

  const earlier = resumes
    ? Array.from(catalog.index.packs(), ({ name }) => name).filter((name) => writerOf(name) === writer)
    : [];
  const packs = createPackWriter(store, catalog, writer, compress, earlier);
  let sharedBytes = 0;
  let open = true;
  const parents = new Set<string>();

  function canRelyOn(sha256: Buffer): boolean {
    for (const { pack, location } of catalog.index.find(sha256)) {
      if (damage.has(location)) continue;
      if (pack.writer === undefined ? !condemned.has(pack.name) && !pack.condemned : pack.writer === writer)
        return true;
    }
    return false;
  }

  async function checkIntent(): Promise<void> {
    if ((await store.info(intent)) === undefined) {
      throw new Fault('vault.write-expired', 'This write took so long that it was given up as dead.');
    }
    // What is inherited was not written here. While the parent has a pointer, all of it is there.
    for (const parent of parents) {
      if (!(await isPointedTo(parent))) {
        throw new Fault('vault.write-expired', `The disk ${parent} was removed while another was made from it.`);
      }
    }
  }

  async function putPointer(key: string, pointer: object): Promise<boolean> {
    try {
      return await store.put(key, [sealRecord(pointer)], { ifAbsent: true });
    } catch (error) {
      // It may have been written all the same. So nothing is removed: who next opens the vault looks what came of it.
      open = false;
      throw error;
    }
  }

  async function end(): Promise<void> {
    open = false;
    await store.remove(intent);
    releasePacks(parts, writer);
  }

  async function abort(): Promise<void> {
    if (!open) return;
    open = false;
    await packs.settle();
    catalog.index.removePacks(packs.packs);
    for (const name of packs.packs) await store.remove(packKey(name));
    await store.remove(intent);
  }

  async function suspend(): Promise<void> {
    if (!open) return;
    open = false;
    await packs.flush().catch(() => undefined);
    if (packs.packs.length > 0) await renew();
    else await store.remove(intent);
  }

  return {
    writer,
    has: canRelyOn,
    suspend,
    get storedBytes() {
      return packs.storedBytes;
    },
    get sharedBytes() {
      return sharedBytes;
    },
    async writeDisk({ parent, ...disk }) {
      if (parent !== undefined) {
        if (!(await isPointedTo(parent))) throw new Fault('not-found', `The vault has no disk ${parent}.`);
        parents.add(parent);
      }
      const sink = {
        async put(...[sha256, bytes, kind, done]: Parameters<ChunkSink['put']>): Promise<void> {
          if (now().getTime() - renewed > renewEvery) await renew();
          if (packs.holds(sha256.toString('hex')) || canRelyOn(sha256)) {
            sharedBytes += bytes.length;
            done?.();
          } else await packs.add(sha256, bytes, kind, done);
        },
      };
      const from = parent === undefined ? undefined : { id: parent, tree: await openManifest(reader, parent) };
      const id = await writeDisk(sink, disk, from);
      await packs.flush();
      return id;
    },
    async commitImage(image) {
      const key = imageKey(image.identifier);
      if (key === undefined) throw new Fault('usage', `"${image.identifier}" is no image identifier.`);
      await checkIntent();
      const pointer: ImagePointer = { format: 'mintmark-image', version: 1, ...image, writer };
      if (await putPointer(key, pointer)) {
        await end();
        return pointer;
      }
      const bytes = await store.get(key);
      if (bytes === undefined) throw new Fault('vault.write-expired', 'The image was committed and removed meanwhile.');
      const theirs = openRecord(bytes, imageRecord, key);
      // An earlier try whose answer was lost may have come to its end after all.
      await (theirs.writer === writer ? end() : abort());
      return theirs;
    },
    async commitVolume(snapshot) {
      const key = volumeKey(snapshot.volume, snapshot.epoch);
      if (key === undefined) throw new Fault('usage', `"${snapshot.volume}" is no id of a volume.`);
      await checkIntent();
      const created = now().toISOString();
      const pointer: VolumePointer = { format: 'mintmark-volume', version: 1, ...snapshot, created, writer };
      if (!(await putPointer(key, pointer))) {
        throw new Fault('usage', `Epoch ${snapshot.epoch} of volume ${snapshot.volume} is in the vault already.`);
      }
      await end();
      return pointer;
    },
    async commitRepair(manifestId) {
      await checkIntent();
      if (!(await isPointedTo(manifestId)))
        throw new Fault('vault.write-expired', 'The disk was removed while it was repaired.');
      await end();
    },
    abort,
  };
}
