// The key that signs a log's checkpoints: made once, kept in a file that only the server may read.
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { mkdir, open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Fault } from '../../errors/fault.ts';
import { type NoteSigner } from './note.ts';

async function makeKey(file: string): Promise<void> {
  const { privateKey } = generateKeyPairSync('ed25519');
  await mkdir(dirname(file), { recursive: true });
  const handle = await open(file, 'wx', 0o600);
  try {
    await handle.writeFile(privateKey.export({ type: 'pkcs8', format: 'pem' }));
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

/**
 * The log's signer from `file` (PKCS#8, PEM), made where it is missing. `name` stands in every checkpoint and may not
 * change: clients know the log by it. Throws `registry.log-key`.
 */
export async function loadLogKey(file: string, name: string): Promise<NoteSigner> {
  if (!/^[^\s+]+$/u.test(name)) throw new Fault('registry.log-key', `"${name}" cannot be the name of a log`);
  try {
    await makeKey(file);
  } catch (cause) {
    if (codeOf(cause) !== 'EEXIST') throw new Fault('registry.log-key', `No key can be kept in ${file}`, { cause });
  }
  try {
    const privateKey = createPrivateKey(await readFile(file, 'utf8'));
    if (privateKey.asymmetricKeyType === 'ed25519') return { name, privateKey };
  } catch (cause) {
    throw new Fault('registry.log-key', `The log's key in ${file} cannot be read`, { cause });
  }
  throw new Fault('registry.log-key', `The log's key in ${file} is not an Ed25519 key`);
}
