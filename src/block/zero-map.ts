// Which 4 KiB blocks of a disk are known to hold zeros: a bitmap in pages that exist only where something is known.

const blockBytes = 4096;
/** Blocks in one page of the map: 16 Ki blocks are 64 MiB of disk in 2 KiB of memory. */
const pageBlocks = 16_384;

export class ZeroMap {
  readonly #pages = new Map<number, Uint8Array>();

  /** Whether nothing at all is known to be zero: then writes need not be noted. */
  get empty(): boolean {
    return this.#pages.size === 0;
  }

  /** Notes that [offset, offset + length) holds zeros; blocks that are covered in part are left as they were. */
  add(offset: number, length: number): void {
    const end = Math.floor((offset + length) / blockBytes);
    for (let block = Math.ceil(offset / blockBytes); block < end; block++) {
      const index = Math.floor(block / pageBlocks);
      let page = this.#pages.get(index);
      if (page === undefined) {
        page = new Uint8Array(pageBlocks / 8);
        this.#pages.set(index, page);
      }
      const bit = block % pageBlocks;
      page[bit >> 3] = (page[bit >> 3] ?? 0) | (1 << (bit & 7));
    }
  }

  /** Notes that [offset, offset + length) was written: every block it touches may hold anything. */
  remove(offset: number, length: number): void {
    const last = Math.floor((offset + length - 1) / blockBytes);
    for (let block = Math.floor(offset / blockBytes); block <= last; block++) {
      const page = this.#pages.get(Math.floor(block / pageBlocks));
      if (page === undefined) continue;
      const bit = block % pageBlocks;
      page[bit >> 3] = (page[bit >> 3] ?? 0) & ~(1 << (bit & 7));
    }
  }

  /** Whether the block that holds byte `offset` is known to be zeros. */
  has(offset: number): boolean {
    const block = Math.floor(offset / blockBytes);
    const page = this.#pages.get(Math.floor(block / pageBlocks));
    if (page === undefined) return false;
    const bit = block % pageBlocks;
    return ((page[bit >> 3] ?? 0) & (1 << (bit & 7))) !== 0;
  }

  /** The first byte past `offset`, at most `end`, from which on the answer of {@link has} may be another. */
  runEnd(offset: number, end: number): number {
    const kind = this.has(offset);
    let at = offset;
    while (at < end && this.has(at) === kind) {
      const pageBytes = pageBlocks * blockBytes;
      const wholePageUnknown = !kind && !this.#pages.has(Math.floor(at / pageBytes));
      const step = wholePageUnknown ? pageBytes : blockBytes;
      at = (Math.floor(at / step) + 1) * step;
    }
    return Math.min(at, end);
  }
}
