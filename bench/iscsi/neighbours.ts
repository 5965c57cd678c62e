// A disk that is hot, beside one whose vault takes five seconds for a chunk: what its reads take, alone and so.
import { Initiator } from '../../cli/demo/initiator.ts';
import { chunkBytes } from '../../src/vault/stored-disk.ts';
import { benchChap, benchNames, vaultMilliseconds } from './names.ts';
import { type RunningTarget } from './targets.ts';

const slowReaders = 8;
const readBytes = 4096;

async function logIn(worker: RunningTarget, target: string): Promise<Initiator> {
  const { hostname: host, port } = new URL(worker.url.replace('iscsi:', 'http:'));
  const initiator = 'iqn.2026-01.org.mintmark:bench-client';
  return await Initiator.login({ host, port: Number(port), initiator, target, lun: 1, chap: benchChap });
}

/** 99th percentile of single reads, in milliseconds. */
async function p99(disk: Initiator, seconds: number): Promise<number> {
  const taken: number[] = [];
  const end = performance.now() + seconds * 1000;
  for (let at = 0; performance.now() < end; at = (at + 7919 * readBytes) % (128 * 1024 * 1024)) {
    const begun = performance.now();
    await disk.read(at, readBytes);
    taken.push(performance.now() - begun);
  }
  return taken.sort((a, b) => a - b)[Math.floor(taken.length * 0.99)] ?? 0;
}

export async function printNeighbours(worker: RunningTarget, seconds: number): Promise<void> {
  const hot = await logIn(worker, benchNames.hot);
  await p99(hot, 1);
  const alone = await p99(hot, seconds);
  const slow = await Promise.all(Array.from({ length: slowReaders }, () => logIn(worker, benchNames.slow)));
  const begun = performance.now();
  const cold = slow.map(async (disk, index) => await disk.read(index * 4 * chunkBytes, readBytes));
  const beside = await p99(hot, seconds);
  const stillWaiting = performance.now() - begun < vaultMilliseconds;
  await Promise.all(cold);
  await Promise.all([hot, ...slow].map(async (disk) => await disk.logout()));
  process.stdout.write(
    `99th percentile of a hot disk's 4 KiB read: alone ${alone.toFixed(3)} ms, beside ${slowReaders} reads that wait ` +
      `${vaultMilliseconds / 1000} s for their vault ${beside.toFixed(3)} ms: ${(beside / alone).toFixed(2)} times` +
      `${stillWaiting ? '' : ' (they had come by then)'}\n`,
  );
}
