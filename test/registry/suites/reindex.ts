// Everything but documents and leaves can be thrown away: a reindex makes the same lists and the same tree again.
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { type Database } from '../../../src/db/database.ts';
import { type OpenTestRegistry } from '../open-registry.ts';
import { plainMetadata, verifyPlain } from '../plain-documents.ts';

/** What a reindex makes, dependent tables last. */
const indexTables = ['log_nodes', 'entry_classes', 'entries', 'signings', 'entry_details', 'endorsers'] as const;

/** Every row of the index. The version of a class says when it was last written, and is no part of it. */
export async function indexRows(db: Database): Promise<unknown> {
  const rows = async (table: (typeof indexTables)[number]) => {
    const all: readonly object[] = await db.query.selectFrom(table).selectAll().execute();
    return all.map((row) => JSON.stringify({ ...row, version: undefined })).sort();
  };
  const words =
    await sql`select * from entry_words order by ${sql.ref(db.dialect === 'sqlite' ? 'rowid' : 'id')}`.execute(
      db.query,
    );
  return { tables: await Promise.all(indexTables.map(rows)), words: words.rows };
}

export async function emptyIndex(db: Database): Promise<void> {
  for (const table of [...indexTables].reverse()) await db.query.deleteFrom(table).execute();
  await sql`delete from entry_words`.execute(db.query);
}

/** More than a reindex takes at a time. */
const documents = 230;

export function reindexSuite(openTestRegistry: OpenTestRegistry): void {
  test('a reindex ends where it began', async () => {
    const subject = await openTestRegistry();
    const start = Date.parse('2026-01-01T00:00:00Z');
    for (let number = 0; number < documents; number += 1) {
      await subject.upload({
        image: `image ${number % 70}`,
        title: `title ${number}`,
        os: number % 2 === 0 ? 'centos' : 'ubuntu',
        endorsed: `${new Date(start + number * 60_000).toISOString().slice(0, 19)}Z`,
        email: number % 3 === 0 ? 'jane@example.org' : 'joe@example.org',
        ...(number % 4 === 0 ? { tag: 'stable' } : {}),
        ...(number % 5 === 0 ? { valid: '2026-03-01T00:00:00Z' } : {}),
        ...(number % 11 === 0 ? { deprecated: 'old' } : {}),
        ...(number % 13 === 0
          ? { deprecated: 'bad', withdrawal: { from: '2026-01-01T00:00:00Z', reason: 'bad' } }
          : {}),
      });
    }
    const everything = async () => ({
      lists: await Promise.all(
        (['valid', 'expired', 'deprecated', 'withdrawn', 'all'] as const).map((status) =>
          subject.find({ status, q: 'title' }),
        ),
      ),
      endorsers: await subject.registry.endorsers({ limit: 100, after: undefined }),
      rows: await indexRows(subject.db),
    });
    const before = await everything();
    await emptyIndex(subject.db);
    expect(await subject.registry.reindex()).toEqual({ entries: documents, leaves: documents, failed: [] });
    expect(await everything()).toEqual(before);
    await subject.close();
  });

  test('a document that no longer verifies, or was changed on disk, is told and kept', async () => {
    let revoked = false;
    const subject = await openTestRegistry({
      verify: async (document) =>
        revoked && Buffer.from(document).includes('"a"')
          ? {
              valid: false,
              steps: [],
              failures: [{ code: 'certificate-revoked', message: 'The certificate was revoked' }],
            }
          : verifyPlain(document),
    });
    const { entry } = await subject.upload({ image: 'one', title: 'a' });
    await subject.upload({ image: 'two', title: 'b' });
    await subject.upload({ image: 'three', title: 'c' });
    await subject.db.query
      .updateTable('documents')
      .set({ bytes: Buffer.from('no longer') })
      .where('identifier', '=', plainMetadata({ image: 'two' }).identifier)
      .execute();
    revoked = true;
    const result = await subject.registry.reindex();
    expect(result.entries).toBe(1);
    expect(result.failed.map(({ failures }) => failures[0]?.code)).toEqual(['certificate-revoked', 'document-changed']);
    expect(await subject.titles()).toEqual(['c']);
    expect((await subject.registry.document(entry.key)).length).toBeGreaterThan(0);
    await subject.close();
  });
}
