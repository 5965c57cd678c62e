// Tells the demo's story: a line per step that a person understands, with the time it took.
import { type CliContext } from '../context.ts';

export class Narrator {
  readonly #out: CliContext['stdout'];
  readonly #now: () => number;
  #number = 0;

  /** `now` in milliseconds. */
  constructor(out: CliContext['stdout'], now: () => number) {
    this.#out = out;
    this.#now = now;
  }

  say(text: string): void {
    this.#out.write(`${text}\n`);
  }

  /** A detail below the step that is under way. */
  detail(text: string): void {
    this.say(`       ${text.replaceAll('\n', '\n       ')}`);
  }

  /** Announces a step, does it, and says how long it took. */
  async step<Result>(title: string, work: () => Promise<Result>): Promise<Result> {
    this.#number += 1;
    this.say(`\n  ${this.#number}.  ${title}`);
    const begun = this.#now();
    const result = await work();
    this.detail(`(${((this.#now() - begun) / 1000).toFixed(2)} s)`);
    return result;
  }
}

/** What the demo expected and did not see: the demo fails with it. */
export class DemoFailure extends Error {
  override readonly name = 'DemoFailure';
}

/** Throws a {@link DemoFailure} unless `holds`. */
export function expectThat(holds: boolean, otherwise: string): void {
  if (!holds) throw new DemoFailure(otherwise);
}
