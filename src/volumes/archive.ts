// Moves sealed layers into the vault, so that a disk is never read through more than a head and one layer below it.
import { Fault } from '../errors/fault.ts';
import { type VolumePointer } from '../vault/records.ts';
import { type Vault } from '../vault/vault.ts';
import { type Context } from './context.ts';
import { type ArchiveName, type Parent, type VolumeDescriptor } from './descriptor.ts';
import { type Layer } from './engines/layers/layer.ts';
import { type LayerStore } from './engines/layers/layer-store.ts';
import { chunksToWrite } from './sealed-chunks.ts';

/** What is used of the vault. */
export type VolumeVault = Pick<Vault, 'beginWrite' | 'openDisk' | 'volume' | 'removeVolume'>;

/** What cannot be done without a vault says so. */
export function noVault(): Fault {
  return new Fault('volumes.invalid', 'This needs a vault, and none is configured.');
}

interface Source {
  /** The layer that is moved, over all that is below it. */
  readonly top: Layer;
  /** What is in the vault already. */
  readonly bottom: Layer;
  readonly signal: AbortSignal;
}

type VaultPointer = Pick<VolumePointer, 'manifestId' | 'size'>;

interface Writing {
  readonly breakOff: AbortController;
  /** Without a pointer where it was broken off; nothing of the volume is open then. */
  readonly done: Promise<VaultPointer | undefined>;
}

export class Archive {
  readonly #context: Pick<Context, 'catalogue' | 'disks' | 'queue'>;
  readonly #layers: LayerStore;
  readonly #vault: VolumeVault;
  readonly #archived: (archive: ArchiveName) => void;
  readonly #settling = new Map<string, Promise<void>>();
  /** What is being written of which volume: to be broken off before the volume goes. */
  readonly #writing = new Map<string, Writing>();
  #background: Promise<void> = Promise.resolve();
  readonly #stopped = new AbortController();

  constructor(
    context: Pick<Context, 'catalogue' | 'disks' | 'queue'>,
    layers: LayerStore,
    vault: VolumeVault,
    archived: (archive: ArchiveName) => void = () => undefined,
  ) {
    this.#archived = archived;
    this.#context = context;
    this.#layers = layers;
    this.#vault = vault;
  }

  /** Moves all sealed layers that the volume is made of into the vault. I/O of its users goes on. */
  settle(uuid: string): Promise<void> {
    const under = this.#settling.get(uuid);
    if (under !== undefined) return under;
    const settling = this.#settleNow(uuid).finally(() => this.#settling.delete(uuid));
    this.#settling.set(uuid, settling);
    return settling;
  }

  /** Moves the layers of several volumes in the background, one volume after another; `problem` is told what went wrong. */
  settleLater(uuids: readonly string[], problem: (error: unknown) => void): void {
    for (const uuid of uuids) {
      this.#background = this.#background.then(() => this.#settleOrReport(uuid, problem));
    }
  }

  async #settleOrReport(uuid: string, problem: (error: unknown) => void): Promise<void> {
    try {
      if (!this.#stopped.signal.aborted && this.#context.catalogue.has(uuid)) await this.settle(uuid);
    } catch (error) {
      if (!this.#stopped.signal.aborted) problem(error);
    }
  }

  /** Breaks off what is under way; it is begun again at the next start. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#background;
    await Promise.allSettled(this.#settling.values());
  }

  /** Breaks off what is being written of a volume, which is about to be removed; resolves when nothing of it is written any more. */
  async breakOff(uuid: string): Promise<void> {
    const writing = this.#writing.get(uuid);
    writing?.breakOff.abort();
    await writing?.done.catch(() => undefined);
  }

  /** Takes the pointers out of the vault that the volume's descriptor has retired, but for those that are in use. */
  async retire(uuid: string): Promise<void> {
    const { catalogue } = this.#context;
    const { retired = [], ...rest } = catalogue.volume(uuid);
    if (retired.length === 0) return;
    await this.#removeUnnamed(retired);
    await catalogue.save(rest);
  }

  /** Takes the pointers out of the vault that only this volume named, which is removed. */
  async retireAll(removed: VolumeDescriptor): Promise<void> {
    const { uuid, parent, sealed, snapshots, retired = [] } = removed;
    // A sealed layer may be in the vault already, with nothing yet that says so.
    const own = [...sealed, ...snapshots.map(({ epoch }) => epoch)].map((epoch) => ({ volume: uuid, epoch }));
    await this.#removeUnnamed([...own, ...retired, ...(parent.kind === 'archive' ? [parent] : [])]);
  }

  async #removeUnnamed(names: readonly ArchiveName[]): Promise<void> {
    for (const name of names) {
      if (!this.#context.catalogue.namesArchive(name)) await this.#vault.removeVolume(name.volume, name.epoch);
    }
  }

  async #settleNow(uuid: string): Promise<void> {
    const { catalogue } = this.#context;
    const { parent } = catalogue.volume(uuid);
    if (parent.kind === 'layer') await this.settle(parent.volume);
    while (catalogue.has(uuid)) {
      const epoch = this.#nextEpoch(catalogue.volume(uuid));
      if (epoch === undefined || !(await this.#archive(uuid, epoch))) return;
    }
  }

  /** The oldest sealed layer that something else is made of, or the newest. */
  #nextEpoch(volume: VolumeDescriptor): number | undefined {
    const needed = volume.sealed.find(
      (epoch) =>
        volume.snapshots.some((snapshot) => snapshot.epoch === epoch) ||
        this.#context.catalogue.dependantsOf(volume.uuid, epoch).length > 0,
    );
    return needed ?? volume.sealed.at(-1);
  }

  /** Answers false where the volume goes away, and its layers with it. */
  async #archive(uuid: string, epoch: number): Promise<boolean> {
    const { catalogue, queue } = this.#context;
    // Under the volume's turn, so that a head that is just being sealed is not opened twice.
    const writing = await queue.run(uuid, () => this.#begin(uuid, epoch));
    const pointer = await writing?.done;
    if (pointer === undefined) return false;
    const { manifestId, size } = pointer;
    return queue.run(uuid, async () => {
      if (!catalogue.has(uuid)) return false;
      await this.#adopt(uuid, { kind: 'archive', volume: uuid, epoch, manifestId, size });
      this.#archived({ volume: uuid, epoch });
      return true;
    });
  }

  /** Opens what is to be written, and leaves the writing under way, so that the volume's turn is not spent on it. */
  async #begin(uuid: string, epoch: number): Promise<Writing | undefined> {
    const { catalogue } = this.#context;
    if (!catalogue.has(uuid)) return undefined;
    const volume = catalogue.volume(uuid);
    const below = await this.#layers.holdParent(volume.parent);
    const held = await this.#layers.holdSealed(volume, epoch).catch(async (error: unknown) => {
      await below.release();
      throw error;
    });
    const breakOff = new AbortController();
    const signal = AbortSignal.any([breakOff.signal, this.#stopped.signal]);
    const findOrWrite = async (): Promise<VaultPointer | undefined> => {
      try {
        const source = { top: held.layer, bottom: below.layer, signal };
        return (await this.#vault.volume(uuid, epoch)) ?? (await this.#write(volume, epoch, source));
      } catch (error) {
        if (breakOff.signal.aborted) return undefined;
        throw error;
      } finally {
        await held.release();
        await below.release();
        this.#writing.delete(uuid);
      }
    };
    const done = findOrWrite();
    const writing = { breakOff, done };
    this.#writing.set(uuid, writing);
    return writing;
  }

  async #write(
    { uuid, parent, ...volume }: VolumeDescriptor,
    epoch: number,
    { top, bottom, signal }: Source,
  ): Promise<VaultPointer> {
    if (parent.kind === 'layer') throw new Fault('internal', 'A layer was archived before what lies below it.');
    const parentSize = parent.kind === 'nothing' ? 0 : parent.size;
    // What it was cloned from may have grown since, and have been archived in its new size.
    const size = Math.max(volume.size, parentSize);
    const chunks = chunksToWrite(top, bottom, { size, parentSize });
    const session = await this.#vault.beginWrite();
    try {
      const parentId = parent.kind === 'nothing' ? {} : { parent: parent.manifestId };
      const manifestId = await session.writeDisk({ size, chunks, signal, ...parentId });
      return await session.commitVolume({ volume: uuid, epoch, manifestId, size });
    } catch (error) {
      await session.abort();
      throw error;
    }
  }

  /** Makes the archive what the volume, its snapshots and its clones are made of, and the layers superfluous. */
  async #adopt(uuid: string, archive: Extract<Parent, { kind: 'archive' }>): Promise<void> {
    const { catalogue, disks, queue } = this.#context;
    for (const clone of catalogue.dependantsOf(uuid, archive.epoch)) {
      await queue.run(clone.uuid, async () => {
        if (!catalogue.has(clone.uuid)) return;
        await catalogue.save({ ...catalogue.volume(clone.uuid), parent: archive });
        await disks.replaceParent(catalogue.volume(clone.uuid));
      });
    }
    const volume = catalogue.volume(uuid);
    // An earlier start may have committed them, and not come as far as here.
    const superfluous = volume.sealed
      .filter((epoch) => epoch < archive.epoch)
      .map((epoch) => ({ volume: uuid, epoch }));
    const before = volume.parent.kind === 'archive' ? [volume.parent] : [];
    await catalogue.save({
      ...volume,
      sealed: volume.sealed.filter((epoch) => epoch > archive.epoch),
      parent: archive,
      snapshots: volume.snapshots.map((snapshot) =>
        snapshot.epoch === archive.epoch
          ? Object.assign({ archived: { manifestId: archive.manifestId, size: archive.size } }, snapshot)
          : snapshot,
      ),
      retired: [
        ...(volume.retired ?? []),
        ...superfluous,
        ...before.map(({ volume: of, epoch }) => ({ volume: of, epoch })),
      ],
    });
    await disks.replaceParent(catalogue.volume(uuid));
    for (const epoch of volume.sealed) if (epoch <= archive.epoch) await this.#layers.discard(uuid, epoch);
    await this.retire(uuid);
  }
}
