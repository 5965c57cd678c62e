// The open block devices of volumes: each is opened once, and closed when its last user has gone.
import { type BlockDevice } from '../block/device.ts';
import { type VolumeDescriptor } from './descriptor.ts';
import { CopyOnWriteDevice } from './engines/layers/copy-on-write.ts';
import { Head } from './engines/layers/head.ts';
import { type HeadPlace } from './engines/layers/head-files.ts';
import { type HeldLayer, type LayerStore } from './engines/layers/layer-store.ts';
import { Overlay } from './engines/layers/overlay.ts';
import { StaticDevice } from './engines/layers/static-device.ts';

interface OpenDisk {
  readonly device: CopyOnWriteDevice | StaticDevice;
  /** What the device's lowest own layer lies over, or the layer itself of a static disk. */
  below: HeldLayer;
}

/** Everything here is called under the volume's turn in the queue, so that nothing opens or closes twice. */
export class Disks {
  readonly #layers: LayerStore;
  readonly #place: (volume: string, epoch: number) => HeadPlace;
  readonly #isAttached: (uuid: string) => boolean;
  readonly #open = new Map<string, OpenDisk>();
  /** How many sessions use the device of a volume. */
  readonly #users = new Map<string, number>();

  constructor(
    layers: LayerStore,
    place: (volume: string, epoch: number) => HeadPlace,
    isAttached: (uuid: string) => boolean,
  ) {
    this.#isAttached = isAttached;
    this.#layers = layers;
    this.#place = place;
  }

  /** The volume's device, opened where it is not. */
  async device(volume: VolumeDescriptor): Promise<BlockDevice> {
    return (await this.#disk(volume)).device;
  }

  /** Keeps the device open for one more session. */
  hold(uuid: string): void {
    this.#users.set(uuid, (this.#users.get(uuid) ?? 0) + 1);
  }

  letGo(uuid: string): void {
    const left = (this.#users.get(uuid) ?? 1) - 1;
    if (left === 0) this.#users.delete(uuid);
    else this.#users.set(uuid, left);
  }

  /** Whether sessions use the volume, be it attached or not any more. */
  isUsed(uuid: string): boolean {
    return this.#users.has(uuid);
  }

  async closeIfUnused(uuid: string): Promise<void> {
    if (!this.isUsed(uuid) && !this.#isAttached(uuid)) await this.close(uuid);
  }

  /** Makes an open disk larger; one that is not open is read with its new size when it is opened. */
  grow(uuid: string, size: number): void {
    const device = this.#open.get(uuid)?.device;
    if (device instanceof CopyOnWriteDevice) device.grow(size);
  }

  /**
   * Seals the head and goes on with a new one. `commit` makes the given descriptor the truth; I/O waits only while it runs.
   * Answers the epoch that was sealed.
   */
  async seal(volume: VolumeDescriptor, commit: (next: VolumeDescriptor) => Promise<void>): Promise<number> {
    const epoch = volume.head;
    const disk = await this.#disk(volume);
    const { device } = disk;
    if (epoch === undefined || !(device instanceof CopyOnWriteDevice)) throw new Error('A static disk has no head.');
    const nextEpoch = epoch + 1;
    const place = this.#place(volume.uuid, nextEpoch);
    await place.files.remove(place.directory);
    await Head.create(place, volume.size);
    const next = await Head.open(place);
    const sealed = device.top;
    try {
      await device.replaceHead(async () => {
        await commit({ ...volume, head: nextEpoch, sealed: [...volume.sealed, epoch] });
        return next;
      });
    } catch (error) {
      await next.close();
      await place.files.remove(place.directory);
      throw error;
    }
    disk.below = this.#layers.adopt(volume.uuid, epoch, sealed, disk.below);
    return epoch;
  }

  /** Reads an open disk through what its descriptor says is below its head now; the bytes are the same. */
  async replaceParent(volume: VolumeDescriptor): Promise<void> {
    const disk = this.#open.get(volume.uuid);
    if (disk === undefined || volume.sealed.length > 0 || !(disk.device instanceof CopyOnWriteDevice)) return;
    const before = disk.below;
    disk.below = await this.#layers.holdParent(volume.parent);
    disk.device.replaceParent(disk.below.layer);
    await before.release();
  }

  /** Whether anything was written to the volume since its last snapshot. */
  async isChanged(volume: VolumeDescriptor): Promise<boolean> {
    const { device } = await this.#disk(volume);
    return device instanceof CopyOnWriteDevice && !device.top.head.isEmpty;
  }

  /** Closes the volume's device, where it is open. */
  async close(uuid: string): Promise<void> {
    const disk = this.#open.get(uuid);
    this.#open.delete(uuid);
    await disk?.device.close();
  }

  /** Closes all devices. */
  async closeAll(): Promise<void> {
    for (const uuid of this.#open.keys()) await this.close(uuid);
  }

  async #disk(volume: VolumeDescriptor): Promise<OpenDisk> {
    const present = this.#open.get(volume.uuid);
    if (present !== undefined) return present;
    const opened = await this.#openDisk(volume);
    this.#open.set(volume.uuid, opened);
    return opened;
  }

  async #openDisk(volume: VolumeDescriptor): Promise<OpenDisk> {
    if (volume.head === undefined) {
      const below = await this.#layers.holdParent(volume.parent);
      return { below, device: new StaticDevice(below.layer, volume.size, () => below.release()) };
    }
    const below = await this.#layers.holdBelow(volume, volume.head);
    try {
      const head = await Head.open(this.#place(volume.uuid, volume.head));
      const disk: { device: CopyOnWriteDevice; below: HeldLayer } = {
        below,
        device: new CopyOnWriteDevice(new Overlay(head, below.layer), volume.size, async () => {
          await disk.device.top.head.close();
          await disk.below.release();
        }),
      };
      return disk;
    } catch (error) {
      await below.release();
      throw error;
    }
  }
}
