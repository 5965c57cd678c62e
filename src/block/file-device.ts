// A raw file as a block device: what the bytes of the file are, the disk's are.
import { closeSync, fdatasync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { Fault } from '../errors/fault.ts';
import { type BlockDevice, type Extent, sectorBytes } from './device.ts';
import { ZeroMap } from './zero-map.ts';

/** Bytes of zeros written in one go; between two, other work gets its turn. */
const zeroStep = 1024 * 1024;
const zeros = Buffer.alloc(zeroStep);

class FileDevice implements BlockDevice {
  readonly size: number;
  readonly readOnly: boolean;
  readonly #descriptor: number;
  readonly #zeroMap = new ZeroMap();

  constructor(descriptor: number, size: number, readOnly: boolean) {
    this.#descriptor = descriptor;
    this.size = size;
    this.readOnly = readOnly;
  }

  read(offset: number, into: Buffer): undefined {
    let done = 0;
    while (done < into.length) {
      const got = readSync(this.#descriptor, into, done, into.length - done, offset + done);
      if (got === 0) {
        // The file ends inside its last sector.
        into.fill(0, done);
        return;
      }
      done += got;
    }
  }

  write(offset: number, data: Buffer): undefined {
    if (!this.#zeroMap.empty) this.#zeroMap.remove(offset, data.length);
    let done = 0;
    while (done < data.length) {
      done += writeSync(this.#descriptor, data, done, data.length - done, offset + done);
    }
  }

  flush(): Promise<void> {
    return new Promise((resolve, reject) => {
      fdatasync(this.#descriptor, (error) => {
        if (error === null) resolve();
        else reject(error);
      });
    });
  }

  unmap(offset: number, length: number): undefined | Promise<void> {
    return this.writeZeroes(offset, length);
  }

  /**
   * Node cannot punch holes, so zeros are written and remembered as such; a run that reaches the end of the file is
   * cut off and laid anew, which does give its space back.
   */
  writeZeroes(offset: number, length: number): undefined | Promise<void> {
    if (offset + length === this.size) {
      ftruncateSync(this.#descriptor, offset);
      ftruncateSync(this.#descriptor, this.size);
      this.#zeroMap.remove(offset, length);
      this.#zeroMap.add(offset, length);
      return undefined;
    }
    if (length <= zeroStep) {
      this.#zero(offset, length);
      return undefined;
    }
    return this.#zeroInSteps(offset, length);
  }

  extents(offset: number, length: number): readonly Extent[] {
    const found: Extent[] = [];
    const end = offset + length;
    let at = offset;
    while (at < end) {
      const next = this.#zeroMap.runEnd(at, end);
      found.push({ offset: at, length: next - at, allocation: this.#zeroMap.has(at) ? 'zero' : 'data' });
      at = next;
    }
    return found;
  }

  close(): Promise<void> {
    closeSync(this.#descriptor);
    return Promise.resolve();
  }

  #zero(offset: number, length: number): void {
    this.write(offset, zeros.subarray(0, length));
    this.#zeroMap.add(offset, length);
  }

  async #zeroInSteps(offset: number, length: number): Promise<void> {
    for (let done = 0; done < length; done += zeroStep) {
      this.#zero(offset + done, Math.min(zeroStep, length - done));
      await setImmediate();
    }
  }
}

/**
 * Opens a raw file as a disk. A last sector that the file fills only in part reads as padded with zeros.
 * @throws {Fault} `block.file` where it cannot be opened or holds nothing.
 */
export function openFileDevice(path: string, options: { readonly readOnly?: boolean } = {}): BlockDevice {
  const readOnly = options.readOnly ?? false;
  let descriptor: number;
  try {
    descriptor = openSync(path, readOnly ? 'r' : 'r+');
  } catch (error) {
    throw new Fault('block.file', `${path} cannot be opened`, { cause: error });
  }
  const status = fstatSync(descriptor);
  if (!status.isFile() || status.size === 0) {
    closeSync(descriptor);
    throw new Fault('block.file', `${path} is ${status.isFile() ? 'empty' : 'no regular file'}`);
  }
  const size = Math.ceil(status.size / sectorBytes) * sectorBytes;
  if (!readOnly && size !== status.size) ftruncateSync(descriptor, size);
  return new FileDevice(descriptor, size, readOnly);
}
