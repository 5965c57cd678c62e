// What must hold after a registry was killed under load, whichever database is behind it.
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { type Database } from '../../src/db/database.ts';
import { leafHash, rootHash } from '../../src/registry/log/merkle.ts';
import { readNode } from '../../src/registry/log/append.ts';
import { nodesOf } from './nodes.ts';
import { registryOver } from './open-registry.ts';
import { endorserNamed, signedDocument } from './signed-documents.ts';
import { startUploading } from './uploading-process.ts';

const documents = 120;
const kills = 3;

/** Every acknowledged document is there byte for byte, in the log and found; nothing is there by half. */
export async function checkAll(
  db: Database,
  folder: string,
  acknowledged: ReadonlySet<string>,
): Promise<readonly { readonly id: number; readonly sha256: string }[]> {
  const subject = registryOver(db);
  const rows = await db.query.selectFrom('documents').select(['id', 'sha256', 'bytes']).orderBy('id').execute();
  const byHash = new Map(rows.map((row) => [row.sha256, row]));
  for (const file of acknowledged) {
    const bytes = await readFile(join(folder, file));
    const row = byHash.get(createHash('sha256').update(bytes).digest('hex'));
    expect({ file, same: row?.bytes.equals(bytes) }).toEqual({ file, same: true });
  }
  const leaves = await db.query.selectFrom('log_leaves').select(['seq', 'leaf']).orderBy('seq').execute();
  expect(leaves.map(({ seq }) => seq)).toEqual(leaves.map((_, index) => index));
  const logged = new Map(
    leaves.map(({ seq, leaf }) => [seq, (JSON.parse(leaf.toString()) as { sha256: string }).sha256]),
  );
  expect(rows.map(({ id }) => logged.get(id))).toEqual(rows.map(({ sha256 }) => sha256));
  const hashes = leaves.map(({ leaf }) => leafHash(leaf));
  const stored = await rootHash((height, position) => readNode(db.query, height, position), leaves.length);
  expect(stored).toEqual(await rootHash(nodesOf(hashes), leaves.length));
  const { total, facets } = await subject.find({ q: 'image' });
  expect(total).toBe(rows.length);
  expect(facets.os.reduce((sum, { count }) => sum + count, 0)).toBe(rows.length);
  expect((await subject.find({ status: 'all' })).total).toBe(rows.length);
  return rows;
}

/**
 * Uploads in a process of its own that is killed without warning at several moments and started again, checking after
 * each, until everything is in.
 */
export async function surviveKills(location: object, open: () => Promise<Database>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'mintmark-kill-'));
  try {
    const uploads = join(folder, 'uploads');
    await mkdir(uploads);
    const signer = await endorserNamed('jane');
    for (let number = 0; number < documents; number += 1) {
      await writeFile(join(uploads, `${String(number).padStart(4, '0')}.xml`), signedDocument(signer, number));
    }
    const acknowledged = new Set<string>();
    for (let round = 0; round <= kills; round += 1) {
      const uploading = startUploading(location, uploads);
      if (round < kills) {
        // Those of the rounds before are acknowledged again, unchanged: each kill comes some way further on.
        await uploading.reached(Math.floor((documents * (round + 0.5)) / kills) - Math.floor(Math.random() * 15));
        uploading.child.kill('SIGKILL');
      }
      await uploading.ended;
      for (const { about } of uploading.said) acknowledged.add(about);
      const db = await open();
      const kept = await checkAll(db, uploads, acknowledged);
      await db.close();
      expect(kept.length).toBeGreaterThanOrEqual(acknowledged.size);
    }
    expect([...acknowledged].sort()).toEqual((await readdir(uploads)).sort());
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
