// The blocks that a head took in since its last flush: they are `fresh` until a flush has made them safe.
import { blockState, type BlockStates, isHeld } from './block-states.ts';

export class FreshBlocks {
  readonly #states: BlockStates;
  /** Runs (block, count, …) that became fresh since the last flush began. */
  #runs: number[] = [];
  #count = 0;
  #zeroedSince = false;

  constructor(states: BlockStates) {
    this.#states = states;
  }

  /** How many became fresh since the last flush began. */
  get count(): number {
    return this.#count;
  }

  /** These blocks were recorded and written. */
  mark(block: number, count: number): void {
    for (let next = block; next < block + count;) {
      const length = this.#states.runLength(next, block + count - next);
      if (!isHeld(this.#states.get(next))) {
        this.#states.set(next, length, blockState.fresh);
        this.#runs.push(next, length);
        this.#count += length;
      }
      next += length;
    }
  }

  /** Some blocks were zeroed. */
  noteZeroed(): void {
    this.#zeroedSince = true;
  }

  /** A flush begins: the runs that it will make safe. */
  take(): readonly number[] {
    const runs = this.#runs;
    this.#runs = [];
    this.#count = 0;
    this.#zeroedSince = false;
    return runs;
  }

  /** The flush is done: these runs are safe, but for blocks that were zeroed and written again while it ran. */
  settle(runs: readonly number[]): void {
    const again = new Set<number>();
    if (this.#zeroedSince) for (const block of blocksIn(this.#runs)) again.add(block);
    for (const block of blocksIn(runs)) {
      if (this.#states.get(block) === blockState.fresh && !again.has(block)) {
        this.#states.set(block, 1, blockState.data);
      }
    }
  }
}

function* blocksIn(runs: readonly number[]): Generator<number> {
  for (let at = 0; at < runs.length; at += 2) {
    const first = runs[at] ?? 0;
    const end = first + (runs[at + 1] ?? 0);
    for (let block = first; block < end; block += 1) yield block;
  }
}
