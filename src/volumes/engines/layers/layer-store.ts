// Opens each immutable layer once, however many disks read through it, and closes it with the last of them.
import { join } from 'node:path';
import { Fault } from '../../../errors/fault.ts';
import { chunkBytes, type StoredDisk } from '../../../vault/stored-disk.ts';
import { type Parent, type VolumeDescriptor } from '../../descriptor.ts';
import { type StorageFiles } from '../../files.ts';
import { BaseLayer } from './base.ts';
import { Head } from './head.ts';
import { type HeadPlace } from './head-files.ts';
import { type Layer, zeroLayer } from './layer.ts';
import { Overlay } from './overlay.ts';

/** A layer that is held until it is released. */
export interface HeldLayer {
  readonly layer: Layer;
  release(): Promise<void>;
}

interface OpenLayer {
  readonly layer: Layer;
  close(discard: boolean): Promise<void>;
}

interface Entry {
  readonly opening: Promise<OpenLayer>;
  holders: number;
  /** Its files are to be removed when it is closed. */
  discarded?: boolean;
}

export interface LayerStoreOptions {
  readonly files: StorageFiles;
  /** Folder with one folder per base layer. */
  readonly baseRoot: string;
  /** The disk of an image in the vault. */
  readonly openImage: (image: string) => Promise<StoredDisk>;
  /** A disk in the vault by its manifest. */
  readonly openManifest: (manifestId: string) => Promise<StoredDisk>;
  /** The volume's descriptor as it is now. */
  readonly volume: (uuid: string) => VolumeDescriptor;
  /** Where the files of one layer of a volume lie. */
  readonly place: (volume: string, epoch: number) => HeadPlace;
}

export class LayerStore {
  readonly #options: LayerStoreOptions;
  readonly #entries = new Map<string, Entry>();
  /** Closing layers by key: whoever opens one again waits for it. */
  readonly #closing = new Map<string, Promise<void>>();

  constructor(options: LayerStoreOptions) {
    this.#options = options;
  }

  /** What lies below a volume's own layers. */
  async holdParent(parent: Parent): Promise<HeldLayer> {
    if (parent.kind === 'image') {
      return this.#holdBase(parent, () => sameDisk(this.#options.openImage(parent.image), parent));
    }
    if (parent.kind === 'archive') {
      return this.#holdBase(parent, () => this.#options.openManifest(parent.manifestId));
    }
    if (parent.kind === 'layer') return this.holdSealed(this.#options.volume(parent.volume), parent.epoch);
    return { layer: zeroLayer, release: () => Promise.resolve() };
  }

  /** A sealed layer of a volume, over all that is below it. */
  holdSealed(volume: VolumeDescriptor, epoch: number): Promise<HeldLayer> {
    return this.#hold(sealedKey(volume.uuid, epoch), async () => {
      const below = await this.holdBelow(volume, epoch);
      try {
        return openSealed(await Head.open(this.#options.place(volume.uuid, epoch)), below);
      } catch (error) {
        await below.release();
        throw error;
      }
    });
  }

  /** What lies below one layer of a volume. */
  holdBelow(volume: VolumeDescriptor, epoch: number): Promise<HeldLayer> {
    const next = volume.sealed.findLast((sealed) => sealed < epoch);
    return next === undefined ? this.holdParent(volume.parent) : this.holdSealed(volume, next);
  }

  /** Takes over a head that has just been sealed, with its hold on what is below, and holds it once. */
  adopt(volume: string, epoch: number, overlay: Overlay, below: HeldLayer): HeldLayer {
    const key = sealedKey(volume, epoch);
    const open = { ...openSealed(overlay.head, below), layer: overlay };
    this.#entries.set(key, { opening: Promise.resolve(open), holders: 1 });
    return { layer: overlay, release: () => this.#release(key) };
  }

  /** Removes the files of a sealed layer that no descriptor names any more, once the last disk that reads it is closed. */
  async discard(volume: string, epoch: number): Promise<void> {
    const key = sealedKey(volume, epoch);
    const { files, directory } = this.#options.place(volume, epoch);
    const entry = this.#entries.get(key);
    if (entry !== undefined) entry.discarded = true;
    else {
      await this.#closing.get(key);
      await files.remove(directory);
    }
  }

  async #hold(key: string, open: () => Promise<OpenLayer>): Promise<HeldLayer> {
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      const closing = this.#closing.get(key) ?? Promise.resolve();
      entry = { opening: closing.then(open), holders: 0 };
      this.#entries.set(key, entry);
    }
    entry.holders += 1;
    try {
      const { layer } = await entry.opening;
      return { layer, release: () => this.#release(key) };
    } catch (error) {
      if (this.#entries.get(key) === entry) this.#entries.delete(key);
      throw error;
    }
  }

  async #release(key: string): Promise<void> {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    entry.holders -= 1;
    if (entry.holders > 0) return;
    this.#entries.delete(key);
    const closing = entry.opening
      .then((open) => open.close(entry.discarded === true))
      .finally(() => {
        if (this.#closing.get(key) === closing) this.#closing.delete(key);
      });
    this.#closing.set(key, closing);
    await closing;
  }

  #holdBase(
    { manifestId, size }: { readonly manifestId: string; readonly size: number },
    open: () => Promise<StoredDisk>,
  ): Promise<HeldLayer> {
    return this.#hold(`base ${manifestId}`, async () => {
      const { files, baseRoot } = this.#options;
      let disk: Promise<StoredDisk> | undefined;
      const source = (): Promise<StoredDisk> => {
        disk ??= open().catch((error: unknown) => {
          disk = undefined;
          throw error;
        });
        return disk;
      };
      const identity = { manifestId, size, chunkBytes };
      const layer = await BaseLayer.open(files, join(baseRoot, manifestId), identity, source);
      return {
        layer,
        async close() {
          await layer.close();
          await (await disk?.catch(() => undefined))?.close();
        },
      };
    });
  }
}

function sealedKey(volume: string, epoch: number): string {
  return `layer ${volume} ${epoch}`;
}

function openSealed(head: Head, below: HeldLayer): OpenLayer {
  return {
    layer: new Overlay(head, below.layer),
    async close(discard) {
      await (discard ? head.discard() : head.close());
      await below.release();
    },
  };
}

async function sameDisk(
  opening: Promise<StoredDisk>,
  parent: { image: string; manifestId: string },
): Promise<StoredDisk> {
  const disk = await opening;
  if (disk.manifestId === parent.manifestId) return disk;
  await disk.close();
  throw new Fault('volumes.damaged', `The vault has another disk for image ${parent.image} than when it was cloned.`);
}
