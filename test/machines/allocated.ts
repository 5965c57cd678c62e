// What a volume takes on the node that keeps it.
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Site } from '../e2e/site.ts';

/** Bytes that the file system has given to the volume's own files; holes count for nothing. */
export function allocatedBytes(site: Site, volume: string): number {
  const folder = site.path('data');
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.includes(volume));
  return names.reduce((sum, name) => sum + statSync(join(folder, name)).blocks * 512, 0);
}
