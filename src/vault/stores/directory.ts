// The object store in a folder: each object a file, put in place whole by a rename.
import { constants as fsConstants } from 'node:fs';
import { type FileHandle, link, mkdir, open, opendir, readdir, rename, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { Fault } from '../../errors/fault.ts';
import { isKey, type ByteRange, type ObjectInfo, type ObjectStore } from '../object-store.ts';

const hasCode = (error: unknown, ...codes: readonly string[]): boolean =>
  error instanceof Error && 'code' in error && codes.includes(String(error.code));

function asFault(error: unknown, doing: string): Fault {
  if (error instanceof Fault) return error;
  if (hasCode(error, 'ENOSPC', 'EDQUOT', 'EFBIG')) {
    return new Fault('vault.full', `The vault's folder has no room left (${doing}).`, { cause: error });
  }
  return new Fault('vault.unavailable', `The vault's folder cannot be used (${doing}).`, { cause: error });
}

async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, fsConstants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes the folder and all above it up to `root`, and makes their names survive a power cut. */
async function makeFolder(root: string, path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true });
  if (first === undefined) return;
  for (let folder = path; folder.length > root.length; folder = dirname(folder)) await syncDirectory(dirname(folder));
}

async function writeAll(handle: FileHandle, parts: readonly Buffer[]): Promise<void> {
  let bytes = 0;
  for (const part of parts) bytes += part.length;
  const { bytesWritten } = await handle.writev(parts as Buffer[], 0);
  if (bytesWritten === bytes) return;
  // A short write: the file system is nearly full, or a signal came between. What is left goes part by part.
  let skip = bytesWritten;
  let position = bytesWritten;
  for (const part of parts) {
    let rest = part.subarray(Math.min(skip, part.length));
    skip -= part.length - rest.length;
    while (rest.length > 0) {
      const written = await handle.write(rest, 0, rest.length, position);
      position += written.bytesWritten;
      rest = rest.subarray(written.bytesWritten);
    }
  }
}

async function* filesBelow(root: string, prefix: string): AsyncGenerator<ObjectInfo> {
  let folder;
  try {
    folder = await opendir(join(root, prefix));
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return;
    throw asFault(error, `listing ${prefix}`);
  }
  let batch: string[] = [];
  for await (const entry of folder) {
    const key = prefix + entry.name;
    if (entry.isDirectory()) yield* filesBelow(root, `${key}/`);
    else if (entry.isFile() && isKey(key)) batch.push(key);
    if (batch.length < statsAtOnce) continue;
    yield* await factsOf(root, batch);
    batch = [];
  }
  yield* await factsOf(root, batch);
}

const statsAtOnce = 32;

/** What was removed since it was listed is left out. */
async function factsOf(root: string, keys: readonly string[]): Promise<readonly ObjectInfo[]> {
  const found = await Promise.all(
    keys.map(async (key): Promise<readonly ObjectInfo[]> => {
      try {
        const facts = await stat(join(root, key));
        return [{ key, bytes: facts.size, modified: facts.mtime }];
      } catch (error) {
        if (hasCode(error, 'ENOENT')) return [];
        throw asFault(error, `looking at ${key}`);
      }
    }),
  );
  return found.flat();
}

/** Half-written files of processes of this machine that are no more. */
async function sweepUnfinished(folder: string): Promise<void> {
  const host = hostname();
  for (const name of await readdir(folder)) {
    const [pid, serial, ...hostParts] = name.split('.');
    if (serial === undefined || hostParts.join('.') !== host) continue;
    try {
      process.kill(Number(pid), 0);
    } catch (error) {
      if (hasCode(error, 'ESRCH')) await rm(join(folder, name), { force: true });
    }
  }
}

async function putInPlace(from: string, to: string, ifAbsent: boolean): Promise<boolean> {
  if (!ifAbsent) {
    await rename(from, to);
    return true;
  }
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
}

/**
 * Opens (and makes, where it is not there yet) the store in the folder `root`. Objects lie under their keys; `.unfinished/`
 * holds files that are being written, and those that a killed process of this machine left there are removed. To `read` a store of somebody
 * else's changes nothing in it.
 */
export async function openDirectoryStore(root: string, use: 'own' | 'read' = 'own'): Promise<ObjectStore> {
  const unfinished = join(root, '.unfinished');
  if (use === 'read') {
    await stat(root).catch((error: unknown) => Promise.reject(asFault(error, 'opening the folder')));
  } else {
    await mkdir(unfinished, { recursive: true }).catch((error: unknown) => {
      throw asFault(error, 'making the folder');
    });
    await sweepUnfinished(unfinished);
  }
  let serial = 0;
  const place = (key: string): string => {
    if (!isKey(key)) throw new Fault('internal', `"${key}" is no key of an object store.`);
    return join(root, key);
  };

  return {
    async put(key, parts, options = {}) {
      const path = place(key);
      serial += 1;
      const draft = join(unfinished, `${process.pid}.${serial}-${Date.now().toString(36)}.${hostname()}`);
      try {
        const handle = await open(draft, 'wx');
        try {
          await writeAll(handle, parts);
          await handle.datasync();
        } finally {
          await handle.close();
        }
        await makeFolder(root, dirname(path));
        const written = await putInPlace(draft, path, options.ifAbsent === true);
        if (written) await syncDirectory(dirname(path));
        return written;
      } catch (error) {
        throw asFault(error, `writing ${key}`);
      } finally {
        await rm(draft, { force: true });
      }
    },

    async get(key, range) {
      try {
        const handle = await open(place(key), 'r');
        try {
          return await readRange(handle, range);
        } finally {
          await handle.close();
        }
      } catch (error) {
        if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
        throw asFault(error, `reading ${key}`);
      }
    },

    async info(key) {
      try {
        const facts = await stat(place(key));
        return facts.isFile() ? { key, bytes: facts.size, modified: facts.mtime } : undefined;
      } catch (error) {
        if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
        throw asFault(error, `looking at ${key}`);
      }
    },

    list: (prefix) => filesBelow(root, prefix),

    async remove(key) {
      const path = place(key);
      try {
        await rm(path, { force: true });
        await syncDirectory(dirname(path));
      } catch (error) {
        if (hasCode(error, 'ENOENT', 'ENOTDIR')) return;
        throw asFault(error, `removing ${key}`);
      }
    },
  };
}

async function readRange(handle: FileHandle, range: ByteRange | undefined): Promise<Buffer> {
  const { size } = await handle.stat();
  const start = Math.min(range?.offset ?? 0, size);
  const into = Buffer.allocUnsafe(Math.min(range?.length ?? size, size - start));
  let filled = 0;
  while (filled < into.length) {
    const { bytesRead } = await handle.read(into, filled, into.length - filled, start + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return into.subarray(0, filled);
}
