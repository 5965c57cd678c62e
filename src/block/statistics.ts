// Counts what goes through a device: wraps another.
import { type BlockDevice, type Extent } from './device.ts';

/** Totals since the device was opened; bytes are bytes, the rest are operations. */
export interface BlockStatistics {
  reads: number;
  readBytes: number;
  writes: number;
  writtenBytes: number;
  flushes: number;
  unmaps: number;
  unmappedBytes: number;
}

export interface CountedDevice extends BlockDevice {
  readonly statistics: Readonly<BlockStatistics>;
}

class StatisticsDevice implements CountedDevice {
  readonly statistics: BlockStatistics = {
    reads: 0,
    readBytes: 0,
    writes: 0,
    writtenBytes: 0,
    flushes: 0,
    unmaps: 0,
    unmappedBytes: 0,
  };
  readonly #inner: BlockDevice;

  constructor(inner: BlockDevice) {
    this.#inner = inner;
  }

  get size(): number {
    return this.#inner.size;
  }

  get readOnly(): boolean {
    return this.#inner.readOnly;
  }

  read(offset: number, into: Buffer): undefined | Promise<void> {
    this.statistics.reads += 1;
    this.statistics.readBytes += into.length;
    return this.#inner.read(offset, into);
  }

  write(offset: number, data: Buffer): undefined | Promise<void> {
    this.statistics.writes += 1;
    this.statistics.writtenBytes += data.length;
    return this.#inner.write(offset, data);
  }

  flush(): undefined | Promise<void> {
    this.statistics.flushes += 1;
    return this.#inner.flush();
  }

  unmap(offset: number, length: number): undefined | Promise<void> {
    this.statistics.unmaps += 1;
    this.statistics.unmappedBytes += length;
    return this.#inner.unmap(offset, length);
  }

  writeZeroes(offset: number, length: number): undefined | Promise<void> {
    this.statistics.writes += 1;
    this.statistics.writtenBytes += length;
    return this.#inner.writeZeroes(offset, length);
  }

  extents(offset: number, length: number): readonly Extent[] | Promise<readonly Extent[]> {
    return this.#inner.extents(offset, length);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}

/** The same disk, counted. Closing it closes the inner device. */
export function counted(inner: BlockDevice): CountedDevice {
  return new StatisticsDevice(inner);
}
