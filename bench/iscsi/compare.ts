// Two targets under the same load, in turn, five times: medians, their ratio, and the processor time of an operation.
import { type Load } from './loads.ts';
import { type RunningTarget } from './targets.ts';

const rounds = 5;

interface Measurement {
  readonly perSecond: number;
  /** Seconds of processor time of the target for one operation. */
  readonly cost: number;
}

export const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;

async function measure(target: RunningTarget, url: string, load: Load): Promise<Measurement> {
  const processorBefore = target.processorSeconds();
  const begun = performance.now();
  const perSecond = await load.measure(url);
  const operations = (perSecond * (performance.now() - begun)) / 1000;
  return { perSecond, cost: (target.processorSeconds() - processorBefore) / operations };
}

export interface Contender {
  readonly target: RunningTarget;
  /** iscsi:// address of the disk that is loaded. */
  readonly url: string;
}

export function printHead(): void {
  process.stdout.write(`${'load'.padEnd(44)}${'ours'.padStart(9)}${'tgt'.padStart(9)}  ratio (goal)  CPU per op\n`);
}

export async function compare(
  ours: Contender,
  theirs: Contender,
  loads: readonly Load[],
  goal?: number,
): Promise<void> {
  for (const load of loads) {
    const results: Record<'ours' | 'theirs', Measurement[]> = { ours: [], theirs: [] };
    for (let round = 0; round < rounds; round += 1) {
      results.ours.push(await measure(ours.target, ours.url, load));
      results.theirs.push(await measure(theirs.target, theirs.url, load));
    }
    const speed = (of: readonly Measurement[]): number => median(of.map(({ perSecond }) => perSecond));
    const cost = (of: readonly Measurement[]): number => median(of.map((each) => each.cost));
    const ratio = speed(results.ours) / speed(results.theirs);
    const columns = [
      load.name.padEnd(44),
      speed(results.ours).toFixed(0).padStart(9),
      speed(results.theirs).toFixed(0).padStart(9),
      `  ${ratio.toFixed(2)} (${(goal ?? load.goal).toFixed(1)})`.padEnd(16),
      `${(cost(results.ours) / cost(results.theirs)).toFixed(2)} of tgt's`,
    ];
    process.stdout.write(`${columns.join('')}\n`);
  }
}
