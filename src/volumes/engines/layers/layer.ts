// What a copy-on-write device reads through: a stack of layers, each of which knows the one below it and nothing else.
import { type Allocation, type Extent } from '../../../block/device.ts';

export interface Layer {
  /**
   * Fills `into[at, at + length)` with the bytes at `offset` if all of them are on this machine; else answers false,
   * and `into` may be half filled. What lies beyond the layer's end reads as zeros.
   */
  readNow(offset: number, into: Buffer, at: number, length: number): boolean;
  /** Brings the bytes to this machine, so that {@link readNow} can answer. */
  fetch(offset: number, length: number): Promise<void>;
  /** Adds the runs that cover [offset, offset + length) to the list. */
  addExtents(offset: number, length: number, list: ExtentList): void;
}

/** Runs in order, neighbours of one kind joined. */
export class ExtentList {
  readonly #extents: Extent[] = [];

  add(offset: number, length: number, allocation: Allocation): void {
    if (length <= 0) return;
    const last = this.#extents.at(-1);
    if (last !== undefined && last.allocation === allocation && last.offset + last.length === offset) {
      this.#extents[this.#extents.length - 1] = { offset: last.offset, length: last.length + length, allocation };
    } else {
      this.#extents.push({ offset, length, allocation });
    }
  }

  get extents(): readonly Extent[] {
    return this.#extents;
  }
}

/** What lies below a blank disk. */
export const zeroLayer: Layer = {
  readNow(_offset, into, at, length) {
    into.fill(0, at, at + length);
    return true;
  },
  fetch: () => Promise.resolve(),
  addExtents: (offset, length, list) => list.add(offset, length, 'zero'),
};
