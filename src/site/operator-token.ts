// The operator token of a data folder: made once, readable by its owner only.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { operatorTokenFile } from '../config/settings.ts';

export interface OperatorToken {
  readonly file: string;
  readonly token: string;
}

/** Reads the token of the folder, or makes it; `randomness` gives that many random bytes. */
export function operatorToken(dataDir: string, randomness: (bytes: number) => Buffer): OperatorToken {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const file = join(dataDir, operatorTokenFile);
  try {
    writeFileSync(file, `${randomness(32).toString('base64url')}\n`, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
  return { file, token: readFileSync(file, 'utf8').trim() };
}
