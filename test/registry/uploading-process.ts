// A process of its own that uploads documents as fast as it can, and says which were acknowledged, until it is killed.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

const built = (path: string): string => new URL(`../../dist/src/${path}`, import.meta.url).href;

/** What the process runs: the compiled registry, six uploads at a time, one line for each acknowledgement. */
const program = `
import { readdirSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { openDatabase } from '${built('db/database.js')}';
import { openRegistry } from '${built('registry/registry.js')}';
import { createVerifier } from '${built('trust/verifier.js')}';
const [location, folder] = process.argv.slice(1);
const db = await openDatabase(JSON.parse(location));
const verify = createVerifier({ acceptSelfSigned: true, now: () => new Date('2026-06-01T00:00:00Z') });
const registry = openRegistry({ db, verify, now: () => new Date() });
const files = readdirSync(folder).sort();
const worker = async () => {
  for (let file = files.shift(); file !== undefined; file = files.shift()) {
    const { outcome } = await registry.accept(readFileSync(join(folder, file)), {});
    writeSync(1, outcome + ' ' + file + '\\n');
  }
};
await Promise.all(Array.from({ length: 6 }, worker));
await db.close();
`;

export interface UploadingProcess {
  readonly child: ChildProcess;
  /** Files that were acknowledged so far. */
  readonly acknowledged: readonly string[];
  /** Ends with the process; rejects where it failed by itself. */
  readonly ended: Promise<void>;
  /** Resolves when so many uploads were acknowledged, or the process has ended. */
  reached(count: number): Promise<void>;
}

/** Uploads every file of `folder` into the database at `location` (as `openDatabase` takes it). */
export function startUploading(location: object, folder: string): UploadingProcess {
  const child = spawn(
    process.execPath,
    ['--input-type=module', '--eval', program, '--', JSON.stringify(location), folder],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const acknowledged: string[] = [];
  const waiting: { count: number; resolve: () => void }[] = [];
  let errors = '';
  child.stderr.on('data', (data: Buffer) => {
    errors += data.toString();
  });
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => {
    const file = line.split(' ')[1];
    if (file !== undefined) acknowledged.push(file);
    for (const { count, resolve } of waiting) if (acknowledged.length >= count) resolve();
  });
  const end = async (): Promise<void> => {
    const [exit] = await Promise.all([once(child, 'exit'), once(lines, 'close')]);
    for (const { resolve } of waiting) resolve();
    const [code, signal] = exit as [number | null, NodeJS.Signals | null];
    if (signal === null && code !== 0) throw new Error(`the uploading process failed: ${errors}`);
  };
  return {
    child,
    acknowledged,
    ended: end(),
    reached: (count) =>
      new Promise((resolve) => {
        if (acknowledged.length >= count || child.exitCode !== null) resolve();
        else waiting.push({ count, resolve });
      }),
  };
}
