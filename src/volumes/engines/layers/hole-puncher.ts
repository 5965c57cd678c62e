// Gives the space of zeroed blocks back to the file system, in the background and one run at a time.
import { setImmediate } from 'node:timers/promises';
import { type StorageFile } from '../../files.ts';
import { blockBytes } from '../../geometry.ts';
import { blockState, type BlockStates } from './block-states.ts';

/** Shorter runs (64 KiB) are left until a neighbour is zeroed too: each costs the start of a program. */
const leastBlocks = 16;
/** How far around a zeroed run its neighbours are looked at. */
const reachBlocks = 256;

interface Run {
  readonly first: number;
  readonly end: number;
}

/** Runs in order, those that touch each other joined. */
function joined(runs: readonly Run[]): Run[] {
  const result: Run[] = [];
  for (const run of [...runs].sort((a, b) => a.first - b.first)) {
    const last = result.at(-1);
    if (last !== undefined && run.first <= last.end) {
      result[result.length - 1] = { first: last.first, end: Math.max(last.end, run.end) };
    } else {
      result.push(run);
    }
  }
  return result;
}

export class HolePuncher {
  readonly #file: StorageFile;
  readonly #states: BlockStates;
  #waiting: Run[] = [];
  #punching: (Run & { readonly done: Promise<boolean> }) | undefined;
  #running: Promise<void> | undefined;
  #supported = true;
  #stopped = false;

  constructor(file: StorageFile, states: BlockStates) {
    this.#file = file;
    this.#states = states;
  }

  /** These blocks were held, and are `zero` now, and recorded as such. */
  add(block: number, count: number): void {
    if (!this.#supported || this.#stopped) return;
    this.#waiting.push({ first: block, end: block + count });
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  /** What a write to these blocks has to wait for: a hole that is just being made would swallow it. */
  obstacle(block: number, count: number): Promise<unknown> | undefined {
    const punching = this.#punching;
    if (punching === undefined || block >= punching.end || block + count <= punching.first) return undefined;
    return punching.done;
  }

  /** No hole is made once this is done. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    // What is zeroed in one go is joined before the first hole is made.
    await setImmediate();
    while (this.#waiting.length > 0 && this.#supported && !this.#stopped) {
      const runs = joined(this.#waiting);
      this.#waiting = [];
      for (const run of runs) await this.#punchWithin(run);
    }
  }

  async #punchWithin({ first, end }: Run): Promise<void> {
    const stop = end + reachBlocks;
    for (let block = Math.max(0, first - reachBlocks); block < stop && this.#supported && !this.#stopped;) {
      const length = this.#states.runLength(block, stop - block);
      // The states are those of this moment: what was written again meanwhile is passed over.
      if (this.#states.get(block) === blockState.zero && length >= leastBlocks) await this.#punch(block, length);
      block += length;
    }
  }

  async #punch(block: number, count: number): Promise<void> {
    const done = this.#file.punch(block * blockBytes, count * blockBytes);
    this.#punching = { first: block, end: block + count, done };
    this.#supported = await done;
    this.#punching = undefined;
  }
}
