// A device as an initiator sees it that may only read: the same bytes, no writes.
import { type BlockDevice, type Extent } from '../block/device.ts';
import { Fault } from '../errors/fault.ts';

function refuse(): never {
  throw new Fault('volumes.read-only', 'This volume is attached read-only.');
}

/** Closing the view leaves the device open: it belongs to whoever opened it. */
export class ReadOnlyView implements BlockDevice {
  readonly readOnly = true;
  readonly #device: BlockDevice;

  constructor(device: BlockDevice) {
    this.#device = device;
  }

  get size(): number {
    return this.#device.size;
  }

  read(offset: number, into: Buffer): undefined | Promise<void> {
    return this.#device.read(offset, into);
  }

  write(): never {
    return refuse();
  }

  flush(): undefined | Promise<void> {
    return this.#device.flush();
  }

  unmap(): never {
    return refuse();
  }

  writeZeroes(): never {
    return refuse();
  }

  extents(offset: number, length: number): readonly Extent[] | Promise<readonly Extent[]> {
    return this.#device.extents(offset, length);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
