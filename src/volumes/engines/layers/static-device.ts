// The block device of a static disk: a layer as it is, which nobody can write.
import { type BlockDevice, type Extent } from '../../../block/device.ts';
import { Fault } from '../../../errors/fault.ts';
import { ExtentList, type Layer } from './layer.ts';

function refuse(): never {
  throw new Fault('volumes.read-only', 'A static disk cannot be written.');
}

export class StaticDevice implements BlockDevice {
  readonly readOnly = true;
  readonly size: number;
  readonly #layer: Layer;
  readonly #release: () => Promise<void>;

  /** `size` in bytes; `release` is called by {@link close}. */
  constructor(layer: Layer, size: number, release: () => Promise<void>) {
    this.#layer = layer;
    this.size = size;
    this.#release = release;
  }

  read(offset: number, into: Buffer): undefined | Promise<void> {
    if (this.#layer.readNow(offset, into, 0, into.length)) return undefined;
    return this.#readLater(offset, into);
  }

  async #readLater(offset: number, into: Buffer): Promise<void> {
    do await this.#layer.fetch(offset, into.length);
    while (!this.#layer.readNow(offset, into, 0, into.length));
  }

  write(): never {
    return refuse();
  }

  flush(): undefined {
    return undefined;
  }

  unmap(): never {
    return refuse();
  }

  writeZeroes(): never {
    return refuse();
  }

  extents(offset: number, length: number): readonly Extent[] {
    const list = new ExtentList();
    this.#layer.addExtents(offset, length, list);
    return list.extents;
  }

  close(): Promise<void> {
    return this.#release();
  }
}
