// The iSCSI target against tgt on the same file: both in turn, five times, medians and their ratio.
// Run: npm run bench -- iscsi   (needs tgt, libiscsi-bin, qemu-utils; BENCH_SECONDS=1 for shorter measurements)
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compare, printHead } from './iscsi/compare.ts';
import { fileLoads, smallReads } from './iscsi/loads.ts';
import { printIdle, printShares } from './iscsi/many.ts';
import { benchNames } from './iscsi/names.ts';
import { printNeighbours } from './iscsi/neighbours.ts';
import { type RunningTarget, startDisks, startMintmark, startTgt } from './iscsi/targets.ts';

const diskBytes = 256 * 1024 * 1024;
/** Of one measurement. */
const seconds = Number(process.env['BENCH_SECONDS'] ?? 2);

const folder = mkdtempSync(join(tmpdir(), 'mintmark-bench-'));
const running: RunningTarget[] = [];
try {
  const file = join(folder, 'disk.raw');
  writeFileSync(file, randomBytes(diskBytes));
  const ours = await startMintmark(file);
  running.push(ours);
  const theirs = await startTgt(file);
  running.push(theirs);
  const disks = await startDisks(file, join(folder, 'volumes'));
  running.push(disks);
  const tgt = { target: theirs, url: theirs.url };

  process.stdout.write('-- a file\n');
  printHead();
  await compare({ target: ours, url: ours.url }, tgt, fileLoads(seconds));
  process.stdout.write('-- a copy-on-write clone, resident, against tgt on the file\n');
  await compare({ target: disks, url: `${disks.url}/${benchNames.clone}/1` }, tgt, smallReads(seconds));
  process.stdout.write('-- a disk that reads nothing: the bound of the load and of the wire\n');
  await compare({ target: disks, url: `${disks.url}/${benchNames.nothing}/1` }, tgt, smallReads(seconds), 0);
  process.stdout.write('-- many\n');
  for (const depth of [1, 32]) await printShares([ours, theirs], seconds, depth);
  await printNeighbours(disks, 2 * seconds);
  await printIdle([ours, theirs]);
} finally {
  for (const target of running) await target.stop();
  rmSync(folder, { recursive: true });
}
