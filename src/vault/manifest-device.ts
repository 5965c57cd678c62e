// A disk of the vault as a block device: read-only, each chunk proven before a byte of it is served, nothing copied beforehand.
import { type BlockDevice, type Extent } from '../block/device.ts';
import { Fault } from '../errors/fault.ts';
import { type CachedDisk } from './disk-reader.ts';
import { chunkBytes } from './stored-disk.ts';

class ManifestDevice implements BlockDevice {
  readonly readOnly = true;
  readonly #disk: CachedDisk;

  constructor(disk: CachedDisk) {
    this.#disk = disk;
  }

  get size(): number {
    return this.#disk.size;
  }

  read(offset: number, into: Buffer): undefined | Promise<void> {
    for (let done = 0; done < into.length;) {
      const at = offset + done;
      const chunk = this.#disk.chunkNow(Math.floor(at / chunkBytes));
      if (chunk === undefined) return this.#readLater(offset, into, done);
      done += chunk.copy(into, done, at % chunkBytes);
    }
    return undefined;
  }

  /** The chunks of one request are fetched together. */
  async #readLater(offset: number, into: Buffer, from: number): Promise<void> {
    const first = Math.floor((offset + from) / chunkBytes);
    const last = Math.floor((offset + into.length - 1) / chunkBytes);
    const fetching = Array.from({ length: last - first + 1 }, async (_, number) => {
      const chunk = await this.#disk.readChunk(first + number);
      const start = (first + number) * chunkBytes;
      const skip = Math.max(0, offset - start);
      chunk.copy(into, start + skip - offset, skip);
    });
    await Promise.all(fetching);
  }

  write(): never {
    throw refused();
  }

  flush(): undefined {
    return undefined;
  }

  unmap(): never {
    throw refused();
  }

  writeZeroes(): never {
    throw refused();
  }

  async extents(offset: number, length: number): Promise<readonly Extent[]> {
    const runs: Extent[] = [];
    for (let at = offset; at < offset + length;) {
      const index = Math.floor(at / chunkBytes);
      const end = Math.min(offset + length, (index + 1) * chunkBytes);
      const allocation = (await this.#disk.isZeroChunk(index)) ? 'zero' : 'data';
      const last = runs.at(-1);
      if (last?.allocation === allocation) runs[runs.length - 1] = { ...last, length: end - last.offset };
      else runs.push({ offset: at, length: end - at, allocation });
      at = end;
    }
    return runs;
  }

  close(): Promise<void> {
    return this.#disk.close();
  }
}

const refused = (): Fault => new Fault('block.read-only', 'A disk in the vault never changes.');

/** Serves the disk until it is closed, which closes the disk. Reads fail with what reading its chunks throws. */
export const openManifestDevice = (disk: CachedDisk): BlockDevice => new ManifestDevice(disk);
