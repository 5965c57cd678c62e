// The file operations that volumes need, and no more: so that tests can put a disk under them that loses its power.
import { execFile } from 'node:child_process';
import {
  closeSync,
  constants,
  fdatasync,
  fstatSync,
  ftruncateSync,
  openSync,
  read,
  readSync,
  writeSync,
} from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Fault } from '../errors/fault.ts';

/** An open file, read and written at given places. Failures are `Fault`s (`volumes.full`, `volumes.io`). */
export interface StorageFile {
  /** Current length in bytes. */
  bytes(): number;
  /** Fills `into[at, at + length)` from `position`; what lies beyond the end of the file reads as zeros. */
  readSync(into: Buffer, at: number, length: number, position: number): void;
  /** As {@link readSync}, without holding up the event loop. */
  read(into: Buffer, at: number, length: number, position: number): Promise<void>;
  /** Writes all of `from[at, at + length)` at `position`. */
  writeSync(from: Buffer, at: number, length: number, position: number): void;
  truncateSync(bytes: number): void;
  /**
   * Gives the space of a run back to the file system; it reads as zeros then. False where that cannot be done here. Nobody
   * may write to the run meanwhile. Does not throw.
   */
  punch(position: number, length: number): Promise<boolean>;
  /** fdatasync: all that was written before this call survives a power cut. */
  synchronize(): Promise<void>;
  closeSync(): void;
}

export interface StorageFiles {
  /** `create` fails where the file is there already; `change` and `read` fail where it is not. */
  openSync(path: string, how: 'create' | 'change' | 'read'): StorageFile;
  makeDirectory(path: string): Promise<void>;
  /** Names in a directory; none where there is no such directory. */
  list(path: string): Promise<readonly string[]>;
  readText(path: string): Promise<string>;
  /** Replaces the file as one step that a power cut cannot tear: temporary file, fsync, rename, fsync of the directory. */
  replaceText(directory: string, name: string, text: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** Removes a file or a whole directory; nothing happens where there is none. */
  remove(path: string): Promise<void>;
  /** Makes creations, renames and removals in the directory survive a power cut. */
  synchronizeDirectory(path: string): Promise<void>;
  /** Waits for programs that a process before this one started on files below the directory: `kill -9` leaves them running. */
  outlive(path: string): Promise<void>;
}

function faultOf(error: unknown, path: string): Fault {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new Fault('volumes.full', `There is no space left for ${path}.`, { cause: error });
  }
  return new Fault('volumes.io', `${path} cannot be read or written.`, { cause: error });
}

class OpenFile implements StorageFile {
  #descriptor: number;
  readonly #path: string;

  constructor(descriptor: number, path: string) {
    this.#descriptor = descriptor;
    this.#path = path;
  }

  bytes(): number {
    return fstatSync(this.#descriptor).size;
  }

  readSync(into: Buffer, at: number, length: number, position: number): void {
    try {
      let done = 0;
      while (done < length) {
        const count = readSync(this.#descriptor, into, at + done, length - done, position + done);
        if (count === 0) break;
        done += count;
      }
      if (done < length) into.fill(0, at + done, at + length);
    } catch (error) {
      throw faultOf(error, this.#path);
    }
  }

  async read(into: Buffer, at: number, length: number, position: number): Promise<void> {
    let done = 0;
    while (done < length) {
      const count = await this.#readSome(into, at + done, length - done, position + done);
      if (count === 0) break;
      done += count;
    }
    if (done < length) into.fill(0, at + done, at + length);
  }

  #readSome(into: Buffer, at: number, length: number, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      read(this.#descriptor, into, at, length, position, (error, bytes) => {
        if (error === null) resolve(bytes);
        else reject(faultOf(error, this.#path));
      });
    });
  }

  writeSync(from: Buffer, at: number, length: number, position: number): void {
    try {
      let done = 0;
      while (done < length) {
        done += writeSync(this.#descriptor, from, at + done, length - done, position + done);
      }
    } catch (error) {
      throw faultOf(error, this.#path);
    }
  }

  truncateSync(bytes: number): void {
    try {
      ftruncateSync(this.#descriptor, bytes);
    } catch (error) {
      throw faultOf(error, this.#path);
    }
  }

  async punch(position: number, length: number): Promise<boolean> {
    // Node cannot call fallocate(2); util-linux, which every Linux has, can.
    const range = ['--offset', String(position), '--length', String(length)];
    try {
      await runProgram('fallocate', ['--punch-hole', ...range, this.#path]);
      return true;
    } catch {
      return false;
    }
  }

  synchronize(): Promise<void> {
    return new Promise((resolve, reject) => {
      fdatasync(this.#descriptor, (error) => {
        if (error === null) resolve();
        else reject(faultOf(error, this.#path));
      });
    });
  }

  closeSync(): void {
    closeSync(this.#descriptor);
    // The kernel gives the number to the next file: whoever still holds this one must not reach that.
    this.#descriptor = -1;
  }
}

const runProgram = promisify(execFile);

const openFlags = {
  create: constants.O_RDWR | constants.O_CREAT | constants.O_EXCL,
  change: constants.O_RDWR,
  read: constants.O_RDONLY,
} as const;

/** Owner only: descriptors hold secrets, and disks belong to their owners. */
const fileMode = 0o600;
const directoryMode = 0o700;

async function attempt<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw faultOf(error, path);
  }
}

async function synchronizeDirectory(path: string): Promise<void> {
  const directory = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

async function replaceText(directory: string, name: string, text: string): Promise<void> {
  const temporary = join(directory, `${name}.tmp`);
  const file = await open(temporary, 'w', fileMode);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, join(directory, name));
  await synchronizeDirectory(directory);
}

/** Whether a program that {@link OpenFile.punch} starts is at work below the directory. */
async function isPunched(directory: string): Promise<boolean> {
  const processes = await readdir('/proc').catch(() => []);
  for (const name of processes) {
    if (!/^[0-9]+$/u.test(name)) continue;
    const [program, ...rest] = (await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '')).split('\0');
    if (program === 'fallocate' && rest.some((argument) => argument.startsWith(`${directory}/`))) return true;
  }
  return false;
}

/** The files of this machine. */
export const machineFiles: StorageFiles = {
  openSync(path, how) {
    try {
      return new OpenFile(openSync(path, openFlags[how], fileMode), path);
    } catch (error) {
      throw faultOf(error, path);
    }
  },
  makeDirectory: (path) =>
    attempt(path, async () => void (await mkdir(path, { recursive: true, mode: directoryMode }))),
  list: (path) =>
    attempt(path, async () => {
      try {
        return (await readdir(path)).sort();
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
        throw error;
      }
    }),
  readText: (path) => attempt(path, () => readFile(path, 'utf8')),
  replaceText: (directory, name, text) => attempt(directory, () => replaceText(directory, name, text)),
  rename: (from, to) => attempt(from, () => rename(from, to)),
  remove: (path) => attempt(path, () => rm(path, { recursive: true, force: true })),
  synchronizeDirectory: (path) => attempt(path, () => synchronizeDirectory(path)),
  async outlive(path) {
    while (await isPunched(path)) await setTimeout(20);
  },
};
