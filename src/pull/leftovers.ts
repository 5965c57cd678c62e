// Files that pulls of killed processes left in the folder for pulls.
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

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
export async function removeLeftovers(workDir: string, identifier: string): Promise<void> {
  const mine = (await filesIn(workDir)).filter((name) => name.startsWith(`${identifier}-`));
  for (const name of mine) await rm(join(workDir, name), { force: true });
}

/**
 * Removes what can be of no use: files that were being converted, parts of images that are in the vault, and old parts. `isBusy` tells of images that
 * are being pulled now.
 */
export async function sweepWorkFolder(
  workDir: string,
  isStored: (identifier: string) => Promise<boolean>,
  isBusy: (identifier: string) => boolean,
  now: () => Date,
): Promise<void> {
  for (const name of await filesIn(workDir)) {
    const identifier = /^([A-P][A-Za-z0-9_-]{26})-[0-9a-f]{12}\.part/.exec(name)?.[1];
    if (identifier === undefined || isBusy(identifier)) continue;
    const path = join(workDir, name);
    const converted = /\.(image|raw)$/.test(name);
    const touched = await stat(path).then(
      (facts) => facts.mtimeMs,
      () => 0,
    );
    if (converted || now().getTime() - touched > partLifetime || (await isStored(identifier)))
      await rm(path, { force: true });
  }
}
