// Files that pulls of killed processes left in the folder for pulls.
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Vault } from '../vault/vault.ts';
import { removePart } from './part-in-vault.ts';

/** A part that was not touched for this long, in ms, is given up. */
const partLifetime = 7 * 24 * 60 * 60 * 1000;

async function filesIn(workDir: string): Promise<readonly string[]> {
  try {
    return await readdir(workDir);
  } catch {
    return [];
  }
}

/** Removes all that belongs to an image: it is in the vault. */
export async function removeLeftovers(workDir: string, identifier: string, vault: Vault): Promise<void> {
  const mine = (await filesIn(workDir)).filter((name) => name.startsWith(`${identifier}-`));
  for (const name of mine) await removeFile(join(workDir, name), vault);
}

/** A part goes with what is known of it, and with what lies of it in the vault. */
function removeFile(path: string, vault: Vault): Promise<void> {
  const part = /^(.*\.part)(\.json)?$/.exec(path)?.[1];
  return part === undefined ? rm(path, { force: true }) : removePart(part, vault);
}

/**
 * Removes what can be of no use: files that were being converted, parts of images that are in the vault, and old parts. `isBusy` tells of images that
 * are being pulled now.
 */
export async function sweepWorkFolder(
  workDir: string,
  vault: Vault,
  isBusy: (identifier: string) => boolean,
  now: () => Date,
): Promise<void> {
  const names = await filesIn(workDir);
  for (const name of names) {
    const identifier = /^([A-P][A-Za-z0-9_-]{26})-[0-9a-f]{12}\.part/.exec(name)?.[1];
    if (identifier === undefined || isBusy(identifier)) continue;
    // Whether a part is old is told by the part, where it is there.
    if (name.endsWith('.json') && names.includes(name.slice(0, -5))) continue;
    const path = join(workDir, name);
    const converted = /\.(image|raw)$/.test(name);
    const touched = await stat(path).then(
      (facts) => facts.mtimeMs,
      () => 0,
    );
    const stored = async (): Promise<boolean> => (await vault.image(identifier)) !== undefined;
    if (converted || now().getTime() - touched > partLifetime || (await stored())) await removeFile(path, vault);
  }
}
