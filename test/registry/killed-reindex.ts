// A reindex in a process of its own that is killed without warning in the middle: what it leaves, and that another mends it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect } from 'vitest';
import { type Database } from '../../src/db/database.ts';
import { createVerifier } from '../../src/trust/verifier.ts';
import { registryOver } from './open-registry.ts';
import { endorserNamed, signedDocument } from './signed-documents.ts';
import { emptyIndex, indexRows } from './suites/reindex.ts';

/** More than a reindex takes at a time: it says twice how far it is. */
const documents = 230;

const built = (path: string): string => new URL(`../../dist/src/${path}`, import.meta.url).href;
const settings = { acceptSelfSigned: true, now: () => new Date('2026-06-01T00:00:00Z') };

/** The compiled registry; it kills itself when it is told for the `killAt`-th time how far it is. */
const program = `
import { openDatabase } from '${built('db/database.js')}';
import { openRegistry } from '${built('registry/registry.js')}';
import { createVerifier } from '${built('trust/verifier.js')}';
const [location, killAt] = process.argv.slice(1);
const db = await openDatabase(JSON.parse(location));
const verify = createVerifier({ acceptSelfSigned: true, now: () => new Date('2026-06-01T00:00:00Z') });
let told = 0;
await openRegistry({ db, verify, now: () => new Date() }).reindex(() => {
  told += 1;
  if (told === Number(killAt)) process.kill(process.pid, 'SIGKILL');
});
await db.close();
`;

/** How the process ended: its exit code, or the signal. */
async function reindexIn(location: object, killAt: number): Promise<unknown> {
  const options = ['--input-type=module', '--eval', program, '--', JSON.stringify(location), String(killAt)];
  const child = spawn(process.execPath, options, { stdio: ['ignore', 'ignore', 'inherit'] });
  const [code, signal] = (await once(child, 'exit')) as readonly unknown[];
  return code ?? signal;
}

/** An index that is whole stays so, and one that is not is whole after the next reindex that is left alone. */
export async function surviveKilledReindex(location: object, open: () => Promise<Database>): Promise<void> {
  const look = async <Seen>(see: (db: Database) => Promise<Seen>): Promise<Seen> => {
    const db = await open();
    try {
      return await see(db);
    } finally {
      await db.close();
    }
  };
  const whole = await look(async (db) => {
    const { registry } = registryOver(db, { verify: createVerifier(settings) });
    const signer = await endorserNamed('jane');
    for (let number = 0; number < documents; number += 1) await registry.accept(signedDocument(signer, number), {});
    return indexRows(db);
  });
  for (const killAt of [1, 2]) {
    expect(await reindexIn(location, killAt)).toBe('SIGKILL');
    expect(await look(indexRows)).toEqual(whole);
  }
  const broken = await look(async (db) => {
    await emptyIndex(db);
    return indexRows(db);
  });
  expect(await reindexIn(location, 2)).toBe('SIGKILL');
  expect(await look(indexRows)).toEqual(broken);
  expect(await reindexIn(location, 0)).toBe(0);
  expect(await look(indexRows)).toEqual(whole);
}
