// A device that lets nobody write: wraps another.
import { Fault } from '../errors/fault.ts';
import { type BlockDevice, type Extent } from './device.ts';

class ReadOnlyDevice implements BlockDevice {
  readonly readOnly = true;
  readonly #inner: BlockDevice;

  constructor(inner: BlockDevice) {
    this.#inner = inner;
  }

  get size(): number {
    return this.#inner.size;
  }

  read(offset: number, into: Buffer): undefined | Promise<void> {
    return this.#inner.read(offset, into);
  }

  write(): never {
    throw writeRefused();
  }

  flush(): undefined {
    return undefined;
  }

  unmap(): never {
    throw writeRefused();
  }

  writeZeroes(): never {
    throw writeRefused();
  }

  extents(offset: number, length: number): readonly Extent[] | Promise<readonly Extent[]> {
    return this.#inner.extents(offset, length);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}

function writeRefused(): Fault {
  return new Fault('block.read-only', 'The disk is attached for reading only');
}

/** The same disk, for reading only. Closing it closes the inner device. */
export function readOnly(inner: BlockDevice): BlockDevice {
  return new ReadOnlyDevice(inner);
}
