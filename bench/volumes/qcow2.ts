// One qcow2 overlay over a raw file, under the load of `qemu-img bench`, with qemu's page-cached I/O.
import { execFile, execFileSync } from 'node:child_process';
import { closeSync, existsSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type LoadedDisk } from './mintmark.ts';

const run = promisify(execFile);

/** The raw file that stands for the image. */
function baseOf(folder: string, size: number): string {
  const path = join(folder, `base-${size}.raw`);
  if (existsSync(path)) return path;
  const file = openSync(path, 'wx');
  ftruncateSync(file, size);
  const piece = Buffer.alloc(1024 * 1024, 0x41);
  // Large ones are only cloned, and never read.
  if (size <= 256 * piece.length)
    for (let at = 0; at < size; at += piece.length) writeSync(file, piece, 0, piece.length, at);
  closeSync(file);
  return path;
}

export async function openQcow2(
  folder: string,
  size: number,
  round: number,
): Promise<LoadedDisk & { readonly milliseconds: number }> {
  const base = baseOf(folder, size);
  const path = join(folder, `overlay-${size}-${round}.qcow2`);
  const begun = performance.now();
  await run('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', base, '-F', 'raw', path]);
  const milliseconds = performance.now() - begun;
  async function bench(options: readonly string[], pieces: number): Promise<number> {
    const { stdout } = await run('qemu-img', [
      'bench',
      '-f',
      'qcow2',
      '-t',
      'writeback',
      '-i',
      'threads',
      '-d',
      '1',
      '-c',
      String(pieces),
      ...options,
      path,
    ]);
    const seconds = Number(/in ([0-9.]+) seconds/u.exec(stdout)?.[1]);
    return pieces / seconds;
  }
  return {
    milliseconds,
    read: (bytes) => bench(['-s', String(bytes), '-S', String(bytes)], size / bytes),
    write: (bytes, step) => {
      const pieces = size / step;
      return bench(['-w', '-s', String(bytes), '-S', String(step), `--flush-interval=${pieces}`], pieces);
    },
    spaceBytes: () => Number.parseInt(execFileSync('du', ['-B1', path], { encoding: 'utf8' }), 10),
  };
}
