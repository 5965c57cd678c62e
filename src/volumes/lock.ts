// One process per data folder: a lock that the kernel gives back when its holder ends, however it ends.
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { Fault } from '../errors/fault.ts';

export interface FolderLock {
  release(): void;
}

/**
 * Takes the lock file of a folder. The lock is that of an SQLite database which is never written: an fcntl lock, so none
 * is left over after `kill -9`. Throws `volumes.locked` where another process (or another part of this one) holds it.
 */
export function lockFolder(folder: string): FolderLock {
  const path = join(folder, 'lock');
  const database = new Database(path, { timeout: 0 });
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    throw new Fault('volumes.locked', `${path} is held by another process.`, { cause: error });
  }
  return {
    release() {
      database.close();
    },
  };
}
