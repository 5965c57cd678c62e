// The key that signs a log's checkpoints: made once, kept in a file that only the server may read.
import { createPrivateKey, generateKeyPairSync, randomUUID } from 'node:crypto';
import { link, mkdir, open, readFile, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Fault } from '../../errors/fault.ts';
import { type NoteSigner } from './note.ts';

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

/** Whole or not at all; of those who make one at once, the first one's is kept. */
async function makeKey(file: string): Promise<void> {
  const { privateKey } = generateKeyPairSync('ed25519');
  await mkdir(dirname(file), { recursive: true });
  const draft = `${file}.${randomUUID()}`;
  const handle = await open(draft, 'wx', 0o600);
  try {
    await handle.writeFile(privateKey.export({ type: 'pkcs8', format: 'pem' }));
    await handle.sync();
    await link(draft, file);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  } finally {
    await handle.close();
    await unlink(draft);
  }
}

/** PKCS#8, PEM; undefined where there is no such file. */
async function readKey(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return undefined;
    throw new Fault('registry.log-key', `The log's key in ${file} cannot be read`, { cause });
  }
}

/**
 * The log's signer from `file`. Where it is missing it is made, if `make` says so. `name` stands in every checkpoint and
 * may not change: clients know the log by it. Throws `registry.log-key`.
 */
export async function loadLogKey(file: string, name: string, make = true): Promise<NoteSigner> {
  if (!/^[^\s+]+$/u.test(name)) throw new Fault('registry.log-key', `"${name}" cannot be the name of a log`);
  let text = await readKey(file);
  if (text === undefined && !make) {
    throw new Fault('registry.log-key', `The log ${name} in this database has a key, and ${file} is missing`);
  }
  if (text === undefined) {
    try {
      await makeKey(file);
    } catch (cause) {
      throw new Fault('registry.log-key', `No key can be kept in ${file}`, { cause });
    }
    text = await readKey(file);
  }
  try {
    const privateKey = createPrivateKey(text ?? '');
    if (privateKey.asymmetricKeyType === 'ed25519') return { name, privateKey };
  } catch (cause) {
    throw new Fault('registry.log-key', `The log's key in ${file} cannot be read`, { cause });
  }
  throw new Fault('registry.log-key', `The log's key in ${file} is not an Ed25519 key`);
}
