// What was measured: each line as it comes, and at the end how it grew with the registry.
import { type Times } from './time.ts';

export interface Measured extends Times {
  /** Processor time of the server for each request, in milliseconds. */
  readonly cpu: number;
}

export class Report {
  /** By what was measured and by how many entries there were. */
  readonly #grown = new Map<string, Map<number, Measured>>();

  heading(text: string): void {
    process.stdout.write(`\n-- ${text}\n`);
  }

  line(name: string, text: string): void {
    process.stdout.write(`${name.padEnd(44)} ${text}\n`);
  }

  /** `entries` where its growth is of interest. */
  times(name: string, measured: Measured, entries?: number): void {
    const { p50, p99, perSecond, cpu } = measured;
    const times = [`p50 ${p50.toFixed(1)} ms`, `p99 ${p99.toFixed(1)} ms`, `${perSecond.toFixed(0)}/s`];
    this.line(name, `${times.join(', ')}; ${cpu.toFixed(2)} ms CPU each`);
    if (entries === undefined) return;
    const sizes = this.#grown.get(name) ?? new Map<number, Measured>();
    this.#grown.set(name, sizes.set(entries, measured));
  }

  /** From the fewest entries to the most, line by line. */
  growth(): void {
    const sizes = [...new Set([...this.#grown.values()].flatMap((bySize) => [...bySize.keys()]))];
    const [least, most] = [Math.min(...sizes), Math.max(...sizes)];
    if (sizes.length < 2) return;
    this.heading(`growth from ${least} to ${most} entries: p50, CPU of the server`);
    for (const [name, bySize] of this.#grown) {
      const [before, after] = [bySize.get(least), bySize.get(most)];
      if (before === undefined || after === undefined) continue;
      const times = `p50 ${(after.p50 / before.p50).toFixed(2)} (${before.p50.toFixed(1)} to ${after.p50.toFixed(1)} ms)`;
      const cpu = `CPU ${(after.cpu / before.cpu).toFixed(2)} (${before.cpu.toFixed(2)} to ${after.cpu.toFixed(2)} ms)`;
      this.line(name, `${times}, ${cpu}`);
    }
  }
}
