// What an initiator has been sent and has not taken: how much of it there may be, and who waits until it is less.
import { type TargetLimits } from '../limits.ts';
import { type PduWriter } from '../wire/pdu-writer.ts';

export class Backlog {
  readonly #writer: PduWriter;
  readonly #limits: TargetLimits;
  readonly #outgoing: { readonly used: number };
  #waiting: (() => void)[] = [];

  /** @param outgoing the backlogs of all connections together. */
  constructor(writer: PduWriter, limits: TargetLimits, outgoing: { readonly used: number }) {
    this.#writer = writer;
    this.#limits = limits;
    this.#outgoing = outgoing;
  }

  /** Nothing more is to be answered for now. */
  get full(): boolean {
    return this.#writer.backlog > this.#limit;
  }

  /** So little is left that it is worth while to go on. */
  get low(): boolean {
    return this.#writer.backlog <= this.#limit / 2;
  }

  /** Resolves at the next `wake`. */
  async changed(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  /** Some of it was taken, or never will be. */
  wake(): void {
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }

  /** While all connections together have too much, each has to make do with little. */
  get #limit(): number {
    const { sendBacklog, leastBacklog, totalBacklog } = this.#limits;
    return this.#outgoing.used > totalBacklog ? leastBacklog : sendBacklog;
  }
}
