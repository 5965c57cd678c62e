// Which key signed the log of a registry when it was first followed: a later one with another key is another log.
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { Fault } from '../src/errors/fault.ts';
import { fileFault } from './files.ts';

const shape = z.record(z.string(), z.string());

const fileIn = (data: string): string => join(data, 'mirrors.json');

async function readAll(data: string): Promise<Readonly<Record<string, string>>> {
  let text: string;
  try {
    text = await readFile(fileIn(data), 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return {};
    throw fileFault('read', fileIn(data), error, 'Name the data folder of a registry with --data.');
  }
  try {
    return shape.parse(JSON.parse(text));
  } catch (cause) {
    throw new Fault('usage', `${fileIn(data)} cannot be read`, {
      cause,
      action: 'Restore it, or remove it and name the keys of the registries with --verifier.',
    });
  }
}

/** The verifier that is known of the registry at this address. */
export async function knownVerifier(data: string, address: string): Promise<string | undefined> {
  return (await readAll(data))[new URL(address).origin];
}

/** Keeps the verifier for the next time. */
export async function rememberVerifier(data: string, address: string, verifier: string): Promise<void> {
  const all = { ...(await readAll(data)), [new URL(address).origin]: verifier };
  const fresh = `${fileIn(data)}.new`;
  await writeFile(fresh, `${JSON.stringify(all, undefined, 2)}\n`);
  await rename(fresh, fileIn(data));
}
