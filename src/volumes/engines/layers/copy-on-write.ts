// The block device of a volume: writes go to its head, reads fall through to what lies below.
import { type BlockDevice, type Extent } from '../../../block/device.ts';
import { blockBytes, blocksOf } from '../../geometry.ts';
import { blockState, isHeld } from './block-states.ts';
import { type Head } from './head.ts';
import { ExtentList, type Layer } from './layer.ts';
import { Overlay } from './overlay.ts';

/** Zeros to write at the ragged edges of a run. */
const zeros = Buffer.alloc(blockBytes);

export class CopyOnWriteDevice implements BlockDevice {
  readonly readOnly = false;
  #size: number;
  #top: Overlay;
  readonly #release: () => Promise<void>;
  /** Writers wait here while the head is exchanged for a new one. */
  #gate: Promise<void> | undefined;

  /** `size` in bytes; `release` is called by {@link close} and gives the layers back to whoever opened them. */
  constructor(top: Overlay, size: number, release: () => Promise<void>) {
    this.#top = top;
    this.#size = size;
    this.#release = release;
  }

  get size(): number {
    return this.#size;
  }

  /** The head that takes the writes, over what it was cloned from. */
  get top(): Overlay {
    return this.#top;
  }

  read(offset: number, into: Buffer): undefined | Promise<void> {
    if (this.#top.readNow(offset, into, 0, into.length)) return undefined;
    return this.#readLater(offset, into);
  }

  async #readLater(offset: number, into: Buffer): Promise<void> {
    do await this.#top.fetch(offset, into.length);
    while (!this.#top.readNow(offset, into, 0, into.length));
  }

  write(offset: number, data: Buffer): undefined | Promise<void> {
    if (this.#gate !== undefined) return this.#writeAfter(this.#gate, offset, data);
    const firstBlock = Math.floor(offset / blockBytes);
    const obstacle = this.#top.head.obstacle(firstBlock, blocksOf(offset + data.length) - firstBlock);
    if (obstacle !== undefined) return this.#writeAfter(obstacle, offset, data);
    const inBlock = offset % blockBytes;
    if (inBlock === 0 && data.length % blockBytes === 0) {
      this.#top.head.writeBlocks(offset / blockBytes, data, 0, data.length / blockBytes);
      return undefined;
    }
    return this.#writeRagged(offset, data);
  }

  /** Writes a copy: the caller may use its buffer for something else meanwhile. */
  async #writeAfter(event: Promise<unknown>, offset: number, data: Buffer): Promise<void> {
    const kept = Buffer.from(data);
    await event;
    await this.write(offset, kept);
  }

  /** A write that begins or ends within a block: the rest of the block is copied up first. */
  #writeRagged(offset: number, data: Buffer): undefined | Promise<void> {
    const end = offset + data.length;
    const firstBlock = Math.floor(offset / blockBytes);
    const firstWhole = Math.ceil(offset / blockBytes);
    const endWhole = Math.floor(end / blockBytes);
    const first = firstBlock === firstWhole ? undefined : this.#edgeBlock(offset, data, firstBlock);
    const last = endWhole < firstWhole || end % blockBytes === 0 ? undefined : this.#edgeBlock(offset, data, endWhole);
    if (first === 'absent' || last === 'absent') return this.#writeAfterFetch(offset, data);
    if (firstWhole < endWhole) {
      this.#top.head.writeBlocks(firstWhole, data, firstWhole * blockBytes - offset, endWhole - firstWhole);
    }
    if (first !== undefined) this.#writeEdge(firstBlock, first, offset, data);
    if (last !== undefined) this.#writeEdge(endWhole, last, offset, data);
    return undefined;
  }

  /**
   * The whole content of a block that the write covers in part, as it will be; `held` where the head has it and it can be written
   * in place, `absent` where its parent must be fetched.
   */
  #edgeBlock(offset: number, data: Buffer, block: number): Buffer | 'held' | 'absent' {
    const state = this.#top.head.states.get(block);
    if (isHeld(state)) return 'held';
    const whole = Buffer.alloc(blockBytes);
    const start = block * blockBytes;
    if (state === blockState.inherit && !this.#top.parent.readNow(start, whole, 0, blockBytes)) return 'absent';
    const from = Math.max(start, offset);
    const to = Math.min(start + blockBytes, offset + data.length);
    data.copy(whole, from - start, from - offset, to - offset);
    return whole;
  }

  #writeEdge(block: number, content: Buffer | 'held', offset: number, data: Buffer): void {
    const { head } = this.#top;
    if (content !== 'held') {
      head.writeBlocks(block, content, 0, 1);
      return;
    }
    const start = block * blockBytes;
    const from = Math.max(start, offset);
    const to = Math.min(start + blockBytes, offset + data.length);
    head.writeWithin(block, from - start, data, from - offset, to - from);
  }

  #writeAfterFetch(offset: number, data: Buffer): Promise<void> {
    const end = offset + data.length;
    const firstStart = offset - (offset % blockBytes);
    const lastStart = end - 1 - ((end - 1) % blockBytes);
    const fetched = Promise.all([this.#top.fetch(firstStart, blockBytes), this.#top.fetch(lastStart, blockBytes)]);
    return this.#writeAfter(fetched, offset, data);
  }

  flush(): undefined | Promise<void> {
    return this.#gate === undefined ? this.#top.head.flush() : this.#gate.then(() => this.flush());
  }

  unmap(offset: number, length: number): undefined | Promise<void> {
    return this.writeZeroes(offset, length);
  }

  writeZeroes(offset: number, length: number): undefined | Promise<void> {
    if (this.#gate !== undefined) return this.#gate.then(() => this.writeZeroes(offset, length));
    const end = offset + length;
    const firstWhole = Math.ceil(offset / blockBytes);
    // What lies beyond the end of the disk is nobody's: its last block counts as whole.
    const endWhole = end === this.#size ? Math.ceil(end / blockBytes) : Math.floor(end / blockBytes);
    if (firstWhole >= endWhole) return length === 0 ? undefined : this.#zeroRagged(offset, length);
    this.#top.head.zeroBlocks(firstWhole, endWhole - firstWhole);
    const before = firstWhole * blockBytes - offset;
    const after = Math.max(0, end - endWhole * blockBytes);
    const front = before === 0 ? undefined : this.#zeroRagged(offset, before);
    const back = after === 0 ? undefined : this.#zeroRagged(end - after, after);
    if (front === undefined) return back;
    return back === undefined ? front : Promise.all([front, back]).then(() => undefined);
  }

  /** Zeros within one or two blocks, without copying up a block that reads as zeros anyway. */
  #zeroRagged(offset: number, length: number): undefined | Promise<void> {
    const { states } = this.#top.head;
    const first = states.get(Math.floor(offset / blockBytes));
    const last = states.get(Math.floor((offset + length - 1) / blockBytes));
    if (first === blockState.zero && last === blockState.zero) return undefined;
    return this.write(offset, length <= blockBytes ? zeros.subarray(0, length) : Buffer.alloc(length));
  }

  extents(offset: number, length: number): readonly Extent[] {
    const list = new ExtentList();
    this.#top.addExtents(offset, length, list);
    return list.extents;
  }

  /** Makes the disk larger; what is new reads as zeros. */
  grow(size: number): void {
    this.#size = size;
  }

  /**
   * Exchanges the head, which becomes the parent of the one that `exchange` answers. Writes wait meanwhile, and no write
   * that was answered before is missing in the sealed head. Where `exchange` fails, all stays as it was.
   */
  async replaceHead(exchange: (sealed: Head) => Promise<Head>): Promise<void> {
    // The bulk is flushed while writes still come in, so that they wait for no more than the rest.
    await this.#top.head.flush();
    while (this.#gate !== undefined) await this.#gate;
    const exchanging = this.#exchangeHead(exchange);
    const reopen = (): void => {
      this.#gate = undefined;
    };
    this.#gate = exchanging.then(reopen, reopen);
    await exchanging;
  }

  async #exchangeHead(exchange: (sealed: Head) => Promise<Head>): Promise<void> {
    const sealed = this.#top;
    try {
      await sealed.head.seal();
      this.#top = new Overlay(await exchange(sealed.head), sealed);
    } catch (error) {
      sealed.head.unseal();
      throw error;
    }
  }

  /** Reads through another layer from now on, which holds the same bytes as the one before. */
  replaceParent(parent: Layer): void {
    this.#top = new Overlay(this.#top.head, parent);
  }

  close(): Promise<void> {
    return this.#release();
  }
}
