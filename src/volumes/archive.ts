// Moves sealed layers into the vault, so that a disk is never read through more than a head and one layer below it.
import { Fault } from '../errors/fault.ts';
import { chunkBytes } from '../vault/stored-disk.ts';
import { type Vault } from '../vault/vault.ts';
import { type Context } from './context.ts';
import { type ArchiveName, type Parent, type VolumeDescriptor } from './descriptor.ts';
import { blockState } from './engines/layers/block-states.ts';
import { type Layer } from './engines/layers/layer.ts';
import { type LayerStore } from './engines/layers/layer-store.ts';
import { Overlay } from './engines/layers/overlay.ts';
import { blockBytes, blocksOf } from './geometry.ts';

/** What is used of the vault. */
export type VolumeVault = Pick<Vault, 'beginWrite' | 'openDisk' | 'volume' | 'removeVolume'>;

const blocksPerChunk = chunkBytes / blockBytes;

/** The numbers of the chunks in which one of the overlays above `bottom` holds a block, in order. */
export function* changedChunks(top: Layer, bottom: Layer, size: number): Generator<number> {
  const heads = [];
  for (let layer = top; layer !== bottom && layer instanceof Overlay; layer = layer.parent) heads.push(layer.head);
  const blocks = blocksOf(size);
  for (let first = 0; first < blocks; first += blocksPerChunk) {
    const count = Math.min(blocksPerChunk, blocks - first);
    const inherits = heads.every(
      ({ states }) => states.get(first) === blockState.inherit && states.runLength(first, count) === count,
    );
    if (!inherits) yield first / blocksPerChunk;
  }
}

/** The bytes of a chunk, read through the layers. */
export async function readChunk(layer: Layer, index: number, size: number): Promise<Buffer> {
  const offset = index * chunkBytes;
  const data = Buffer.allocUnsafe(Math.min(chunkBytes, size - offset));
  while (!layer.readNow(offset, data, 0, data.length)) await layer.fetch(offset, data.length);
  return data;
}

export class Archive {
  readonly #context: Pick<Context, 'catalogue' | 'disks' | 'queue'>;
  readonly #layers: LayerStore;
  readonly #vault: VolumeVault;
  readonly #settling = new Map<string, Promise<void>>();
  #background: Promise<void> = Promise.resolve();
  readonly #stopped = new AbortController();

  constructor(context: Pick<Context, 'catalogue' | 'disks' | 'queue'>, layers: LayerStore, vault: VolumeVault) {
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
    const { uuid, parent, snapshots, retired = [] } = removed;
    const own = snapshots
      .filter(({ archived }) => archived !== undefined)
      .map(({ epoch }): ArchiveName => ({ volume: uuid, epoch }));
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
      if (epoch === undefined) return;
      await this.#archive(uuid, epoch);
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

  async #archive(uuid: string, epoch: number): Promise<void> {
    const { catalogue, queue } = this.#context;
    // Under the volume's turn, so that a head that is just being sealed is not opened twice.
    const { volume, held, below } = await queue.run(uuid, async () => {
      const now = catalogue.volume(uuid);
      return {
        volume: now,
        held: await this.#layers.holdSealed(now, epoch),
        below: await this.#layers.holdParent(now.parent),
      };
    });
    try {
      const pointer =
        (await this.#vault.volume(uuid, epoch)) ?? (await this.#write(volume, epoch, held.layer, below.layer));
      const { manifestId, size } = pointer;
      await queue.run(uuid, () => this.#adopt(uuid, { kind: 'archive', volume: uuid, epoch, manifestId, size }));
    } finally {
      await held.release();
      await below.release();
    }
  }

  async #write(
    { uuid, parent, ...volume }: VolumeDescriptor,
    epoch: number,
    top: Layer,
    bottom: Layer,
  ): Promise<{ manifestId: string; size: number }> {
    if (parent.kind === 'layer') throw new Fault('internal', 'A layer was archived before what lies below it.');
    const parentSize = parent.kind === 'nothing' ? 0 : parent.size;
    // What it was cloned from may have grown since, and have been archived in its new size.
    const size = Math.max(volume.size, parentSize);
    const lastOfParent =
      parentSize % chunkBytes === 0 || size === parentSize ? -1 : Math.floor(parentSize / chunkBytes);
    async function* chunks(): AsyncGenerator<{ index: number; data: Buffer }> {
      let given = lastOfParent === -1;
      for (const index of changedChunks(top, bottom, size)) {
        // The last chunk of a parent that was shorter is given whole.
        if (!given && index > lastOfParent)
          yield { index: lastOfParent, data: await readChunk(top, lastOfParent, size) };
        given ||= index >= lastOfParent;
        yield { index, data: await readChunk(top, index, size) };
      }
      if (!given) yield { index: lastOfParent, data: await readChunk(top, lastOfParent, size) };
    }
    const session = await this.#vault.beginWrite();
    try {
      const parentId = parent.kind === 'nothing' ? {} : { parent: parent.manifestId };
      const manifestId = await session.writeDisk({ size, chunks: chunks(), signal: this.#stopped.signal, ...parentId });
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
      retired: [...(volume.retired ?? []), ...before.map(({ volume: of, epoch }) => ({ volume: of, epoch }))],
    });
    await disks.replaceParent(catalogue.volume(uuid));
    for (const epoch of volume.sealed) if (epoch <= archive.epoch) await this.#layers.discard(uuid, epoch);
    await this.retire(uuid);
  }
}
