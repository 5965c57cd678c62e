// A disk that is really full: a small file system, seen only by what is started on it, and gone with it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { run } from '../e2e/command.ts';

/** What it needs: the programs, and to be root. */
export const smallDiskTools: readonly string[] = [
  'unshare',
  'nsenter',
  'setpriv',
  'mount',
  ...(process.getuid?.() === 0 ? [] : ['root']),
];

export interface SmallDisk {
  /** What stands before a command that is to see it. */
  readonly enter: readonly string[];
  /** Takes all the room that is left. */
  fill(): Promise<void>;
  /** Gives it back, and much more. */
  makeRoom(): Promise<void>;
  stop(): Promise<void>;
}

/** Puts a file system of `size` (as mount takes it, such as `6m`) on a folder, for those alone who enter. */
export async function startSmallDisk(folder: string, size: string): Promise<SmallDisk> {
  // It ends with its input, however this process does.
  const script = 'mount -t tmpfs -o mode=0777,size="$2" tmpfs "$1" && echo ready && exec cat';
  const holder = spawn('unshare', ['-m', 'sh', '-c', script, 'sh', folder, size], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const failed = once(holder, 'exit').then(() => {
    throw new Error(`no file system of ${size} could be made`);
  });
  await Promise.race([once(holder.stdout, 'data'), failed]);
  failed.catch(() => undefined);
  const place = ['-m', '-t', String(holder.pid)];
  const inside = async (command: string): Promise<void> => {
    await run('nsenter', [...place, 'sh', '-c', command, 'sh', `${folder}/filler`]);
  };
  return {
    enter: ['nsenter', ...place],
    fill: () => inside('cat /dev/zero > "$1"'),
    makeRoom: () => inside('rm -f "$1" && mount -o remount,size=1g "${1%/*}"'),
    stop: async () => {
      const ended = once(holder, 'exit');
      holder.stdin.end();
      await ended;
    },
  };
}
