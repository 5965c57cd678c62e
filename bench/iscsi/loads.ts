// The loads, by programs that nobody here wrote: iscsi-perf for reads, qemu-img bench for reads and writes.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface Load {
  readonly name: string;
  /** What the ratio to tgt has to come to. */
  readonly goal: number;
  /** Operations per second. */
  measure(url: string): Promise<number>;
}

/** Random reads with libiscsi's iscsi-perf. */
export function randomReads(name: string, goal: number, blocks: number, depth: number, seconds: number): Load {
  return {
    name,
    goal,
    async measure(url) {
      const argv = ['-m', String(depth), '-b', String(blocks), '-r', '-t', String(seconds), url];
      const { stdout } = await run('iscsi-perf', argv);
      const average = [...stdout.matchAll(/iops average (\d+)/g)].at(-1)?.[1];
      if (average === undefined) throw new Error(`iscsi-perf printed no result:\n${stdout}`);
      return Number(average);
    },
  };
}

/** Sequential reads or writes with QEMU's initiator. */
function qemu(name: string, goal: number, bytes: number, depth: number, count: number, write: boolean): Load {
  return {
    name,
    goal,
    async measure(url) {
      const argv = ['bench', '-f', 'raw', '-c', String(count), '-d', String(depth), '-s', String(bytes)];
      const { stdout } = await run('qemu-img', [...argv, ...(write ? ['-w'] : []), url]);
      const seconds = Number(/in ([\d.]+) seconds/.exec(stdout)?.[1]);
      return count / seconds;
    },
  };
}

/** Of each program what it can: iscsi-perf reads only. @param seconds of each measurement. */
export function fileLoads(seconds: number): readonly Load[] {
  return [
    randomReads('iscsi-perf: 4 KiB random read, depth 32', 3, 8, 32, seconds),
    qemu('qemu-img bench: 4 KiB read, depth 32', 3, 4096, 32, 30_000 * seconds, false),
    randomReads('iscsi-perf: 4 KiB random read, depth 1', 1, 8, 1, seconds),
    qemu('qemu-img bench: 4 KiB read, depth 1', 1, 4096, 1, 5_000 * seconds, false),
    qemu('qemu-img bench: 4 KiB write, depth 32', 2, 4096, 32, 20_000 * seconds, true),
    qemu('qemu-img bench: 4 KiB write, depth 1', 1, 4096, 1, 5_000 * seconds, true),
    randomReads('iscsi-perf: 64 KiB random read, depth 32', 1.2, 128, 32, seconds),
    qemu('qemu-img bench: 64 KiB read, depth 32', 1.2, 65_536, 32, 8_000 * seconds, false),
    qemu('qemu-img bench: 64 KiB write, depth 32', 1.2, 65_536, 32, 4_000 * seconds, true),
    randomReads('iscsi-perf: 256 KiB random read, depth 16', 1.2, 512, 16, seconds),
    qemu('qemu-img bench: 256 KiB read, depth 16', 1.2, 262_144, 16, 2_000 * seconds, false),
    qemu('qemu-img bench: 256 KiB write, depth 16', 1.2, 262_144, 16, 1_000 * seconds, true),
  ];
}

/** What the reads of a clone, and of nothing at all, are measured with. */
export function smallReads(seconds: number): readonly Load[] {
  return [
    randomReads('iscsi-perf: 4 KiB random read, depth 32', 2.5, 8, 32, seconds),
    qemu('qemu-img bench: 4 KiB read, depth 32', 2.5, 4096, 32, 30_000 * seconds, false),
    randomReads('iscsi-perf: 4 KiB random read, depth 1', 1, 8, 1, seconds),
  ];
}
