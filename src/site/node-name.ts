// The name of a data folder among those that share a database or an object store: made once, kept beside the data.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Fault } from '../errors/fault.ts';

const pattern = /^node-[0-9a-f]{16}$/u;

/** Reads the name, or makes one. A data folder must not be copied to a second server that runs beside the first. Throws `config.unreadable`. */
export function nodeName(data: string, randomness: (bytes: number) => Buffer): string {
  const file = join(data, 'node');
  mkdirSync(data, { recursive: true });
  try {
    writeFileSync(file, `node-${randomness(8).toString('hex')}\n`, { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const name = readFileSync(file, 'utf8').trim();
  if (pattern.test(name)) return name;
  throw new Fault('config.unreadable', `${file} does not hold the name of a node`, {
    action: 'Remove the file while no server runs on this folder: it is made again.',
  });
}
