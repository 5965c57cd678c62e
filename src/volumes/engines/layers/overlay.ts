// A head over its parent: what the head holds hides what lies below.
import { blockBytes } from '../../geometry.ts';
import { blockState, isHeld } from './block-states.ts';
import { type Head } from './head.ts';
import { type ExtentList, type Layer } from './layer.ts';

export class Overlay implements Layer {
  readonly head: Head;
  readonly parent: Layer;

  constructor(head: Head, parent: Layer) {
    this.head = head;
    this.parent = parent;
  }

  readNow(offset: number, into: Buffer, at: number, length: number): boolean {
    const { head, parent } = this;
    const end = offset + length;
    let position = offset;
    while (position < end) {
      const block = Math.floor(position / blockBytes);
      const state = head.states.get(block);
      const runEnd = this.#runEnd(block, end);
      const place = at + position - offset;
      if (isHeld(state)) head.readSync(into, place, runEnd - position, position);
      else if (state === blockState.zero) into.fill(0, place, place + runEnd - position);
      else if (!parent.readNow(position, into, place, runEnd - position)) return false;
      position = runEnd;
    }
    return true;
  }

  async fetch(offset: number, length: number): Promise<void> {
    const wanted: Promise<void>[] = [];
    const end = offset + length;
    for (let position = offset; position < end;) {
      const block = Math.floor(position / blockBytes);
      const runEnd = this.#runEnd(block, end);
      if (this.head.states.get(block) === blockState.inherit) {
        wanted.push(this.parent.fetch(position, runEnd - position));
      }
      position = runEnd;
    }
    await Promise.all(wanted);
  }

  addExtents(offset: number, length: number, list: ExtentList): void {
    const end = offset + length;
    for (let position = offset; position < end;) {
      const block = Math.floor(position / blockBytes);
      const state = this.head.states.get(block);
      const runEnd = this.#runEnd(block, end);
      if (state === blockState.inherit) this.parent.addExtents(position, runEnd - position, list);
      else list.add(position, runEnd - position, state === blockState.zero ? 'zero' : 'data');
      position = runEnd;
    }
  }

  /** Where the run of blocks that read alike, and that begins with `block`, ends; at most at `end`. */
  #runEnd(block: number, end: number): number {
    const limit = Math.ceil(end / blockBytes) - block;
    const run = limit === 1 ? 1 : this.head.states.runLength(block, limit);
    return Math.min(end, (block + run) * blockBytes);
  }
}
