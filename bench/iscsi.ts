// The iSCSI target against tgt on the same file: both in turn, five times, medians and their ratio.
// Run: npm run bench -- iscsi   (needs tgt, libiscsi-bin, qemu-utils)
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Load, loads } from './iscsi/loads.ts';
import { type RunningTarget, startMintmark, startTgt } from './iscsi/targets.ts';

const rounds = 5;
const diskBytes = 256 * 1024 * 1024;
/** Of one measurement. */
const seconds = 2;

interface Measurement {
  readonly perSecond: number;
  /** Seconds of processor time of the target for one operation. */
  readonly cost: number;
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;

const mebibytes = (target: RunningTarget): string => (target.residentBytes() / 1024 / 1024).toFixed(0);

async function measure(target: RunningTarget, load: Load): Promise<Measurement> {
  const processorBefore = target.processorSeconds();
  const begun = performance.now();
  const perSecond = await load.measure(target.url);
  const operations = (perSecond * (performance.now() - begun)) / 1000;
  return { perSecond, cost: (target.processorSeconds() - processorBefore) / operations };
}

async function compare(ours: RunningTarget, theirs: RunningTarget): Promise<void> {
  process.stdout.write(
    `${'load'.padEnd(32)}${'mintmark'.padStart(10)}${'tgt'.padStart(10)}  ratio (goal)  CPU per op\n`,
  );
  for (const load of loads(seconds)) {
    const results: Record<'ours' | 'theirs', Measurement[]> = { ours: [], theirs: [] };
    for (let round = 0; round < rounds; round += 1) {
      results.ours.push(await measure(ours, load));
      results.theirs.push(await measure(theirs, load));
    }
    const speed = (of: readonly Measurement[]): number => median(of.map(({ perSecond }) => perSecond));
    const cost = (of: readonly Measurement[]): number => median(of.map((each) => each.cost));
    const ratio = speed(results.ours) / speed(results.theirs);
    const columns = [
      load.name.padEnd(32),
      speed(results.ours).toFixed(0).padStart(10),
      speed(results.theirs).toFixed(0).padStart(10),
      `  ${ratio.toFixed(2)} (${load.goal.toFixed(1)})`.padEnd(16),
      `${(cost(results.ours) / cost(results.theirs)).toFixed(2)} of tgt's`,
    ];
    process.stdout.write(`${columns.join('')}\n`);
  }
  process.stdout.write(`resident memory: mintmark ${mebibytes(ours)} MiB, tgt ${mebibytes(theirs)} MiB\n`);
}

const folder = mkdtempSync(join(tmpdir(), 'mintmark-bench-'));
const running: RunningTarget[] = [];
try {
  const file = join(folder, 'disk.raw');
  writeFileSync(file, randomBytes(diskBytes));
  const ours = await startMintmark(file);
  running.push(ours);
  const theirs = await startTgt(file);
  running.push(theirs);
  await compare(ours, theirs);
} finally {
  for (const target of running) await target.stop();
  rmSync(folder, { recursive: true });
}
