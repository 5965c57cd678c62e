// What a head knows of each 4 KiB block, two bits apiece: in pages that are loaded when first touched and frozen for checkpoints.

/**
 * `inherit`: read the parent. `data`: read the head. `zero`: zeros, whatever the parent says. `fresh`: as data, but
 * recorded after the last flush, so that a further write must be recorded too (docs/volume-format.md, "Replay").
 */
export const blockState = { inherit: 0, data: 1, zero: 2, fresh: 3 } as const;
export type BlockState = (typeof blockState)[keyof typeof blockState];

/** Blocks in one page of states: 256 MiB of disk. */
export const pageBlocks = 65536;
/** Bytes of one page of states. */
export const pageBytes = pageBlocks / 4;

/** Where pages that are not in memory come from: `undefined` is a page of `inherit`. */
export type LoadPage = (page: number) => Buffer | undefined;

/** The pages of one moment; `undefined` is a page that was never loaded, and so is still what the source has. */
export type FrozenPages = readonly (Buffer | undefined)[];

const inheritPage = Buffer.alloc(pageBytes);

/** Whether a state means that the head itself holds the bytes. */
export function isHeld(state: BlockState): boolean {
  return (state & 1) === 1;
}

export class BlockStates {
  readonly #load: LoadPage;
  #pages: (Buffer | undefined)[] = [];
  /** Pages that nobody else holds, and that may be changed in place. */
  #owned = new Set<number>();

  constructor(load: LoadPage) {
    this.#load = load;
  }

  #page(page: number): Buffer {
    return (this.#pages[page] ??= this.#load(page) ?? inheritPage);
  }

  #ownPage(page: number): Buffer {
    const present = this.#page(page);
    if (this.#owned.has(page)) return present;
    const copy = Buffer.from(present);
    this.#pages[page] = copy;
    this.#owned.add(page);
    return copy;
  }

  get(block: number): BlockState {
    const byte = this.#page(block >>> 16)[(block & 0xffff) >>> 2] ?? 0;
    return ((byte >>> ((block & 3) << 1)) & 3) as BlockState;
  }

  /** Sets `count` blocks from `block` on. */
  set(block: number, count: number, state: BlockState): void {
    let next = block;
    const end = block + count;
    while (next < end) {
      const page = this.#ownPage(next >>> 16);
      const inPage = next & 0xffff;
      const stop = Math.min(pageBlocks, inPage + end - next);
      let at = inPage;
      while (at < stop) {
        if ((at & 3) === 0 && stop - at >= 4) {
          const whole = stop - (stop & 3);
          page.fill(state * 0x55, at >>> 2, whole >>> 2);
          at = whole;
        } else {
          const shift = (at & 3) << 1;
          const byte = page[at >>> 2] ?? 0;
          page[at >>> 2] = (byte & ~(3 << shift)) | (state << shift);
          at += 1;
        }
      }
      next += stop - inPage;
    }
  }

  /** How many blocks from `block` on, at most `limit`, read the same way: `data` and `fresh` count as one. */
  runLength(block: number, limit: number): number {
    const state = this.get(block);
    const held = isHeld(state);
    let length = 1;
    while (length < limit) {
      const next = block + length;
      if ((next & 3) === 0 && limit - length >= 4) {
        const page = this.#page(next >>> 16);
        if (page === inheritPage) {
          if (state !== blockState.inherit) break;
          length = Math.min(limit, length + pageBlocks - (next & 0xffff));
          continue;
        }
        const byte = page[(next & 0xffff) >>> 2] ?? 0;
        if (held ? (byte & 0x55) === 0x55 : byte === state * 0x55) {
          length += 4;
          continue;
        }
      }
      const other = this.get(next);
      if (held ? !isHeld(other) : other !== state) break;
      length += 1;
    }
    return length;
  }

  /** How many blocks from `block` on, at most `limit`, are `data` exactly (or, if the first is not, are not). */
  flushedRunLength(block: number, limit: number): number {
    const flushed = this.get(block) === blockState.data;
    let length = 1;
    while (length < limit && (this.get(block + length) === blockState.data) === flushed) length += 1;
    return length;
  }

  /** The pages as they are now; they are copied when next changed. */
  freeze(): FrozenPages {
    this.#owned = new Set();
    return [...this.#pages];
  }
}
