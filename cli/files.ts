// Files that a command is told of: why one cannot be read or written is said in plain words.
import { readFile } from 'node:fs/promises';
import { Fault } from '../src/errors/fault.ts';

/** By the codes of the system's errors. */
const reasons: ReadonlyMap<unknown, string> = new Map([
  ['ENOENT', 'there is no such file or folder'],
  ['EISDIR', 'it is a folder'],
  ['ENOTDIR', 'what its path calls a folder is a file'],
  ['EEXIST', 'there is something else under this name'],
  ['EACCES', 'you may not'],
  ['EPERM', 'you may not'],
  ['EROFS', 'the disk can only be read'],
  ['ENOSPC', 'the disk is full'],
]);

/** The fault (`usage`) for a file that could not be `read` or `written`; `action` says which file is meant. */
export function fileFault(done: 'read' | 'written', file: string, error: unknown, action: string): Fault {
  const reason = reasons.get(error instanceof Error && 'code' in error ? error.code : undefined);
  return new Fault('usage', `${file} cannot be ${done}${reason === undefined ? '' : `: ${reason}`}`, {
    ...(reason === undefined ? { cause: error } : {}),
    action,
  });
}

/** The whole of a file. Throws `usage`. */
export async function readInput(file: string, action: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    throw fileFault('read', file, error, action);
  }
}
