// Everything but documents and leaves can be thrown away: a reindex makes the same lists and the same tree again.
import { expect, test } from 'vitest';
import { type OpenTestRegistry } from '../open-registry.ts';
import { plainMetadata, verifyPlain } from '../plain-documents.ts';

export function reindexSuite(openTestRegistry: OpenTestRegistry): void {
  test('a reindex ends where it began', async () => {
    const subject = await openTestRegistry();
    for (let number = 0; number < 40; number += 1) {
      await subject
        .upload({
          image: `image ${number % 7}`,
          title: `title ${number}`,
          os: number % 2 === 0 ? 'centos' : 'ubuntu',
          endorsed: `2026-01-${String((number % 28) + 1).padStart(2, '0')}T00:00:00Z`,
          email: number % 3 === 0 ? 'jane@example.org' : 'joe@example.org',
          ...(number % 5 === 0 ? { valid: '2026-03-01T00:00:00Z' } : {}),
          ...(number % 11 === 0 ? { deprecated: 'old' } : {}),
          ...(number % 13 === 0
            ? { deprecated: 'bad', withdrawal: { from: '2026-01-01T00:00:00Z', reason: 'bad' } }
            : {}),
        })
        .catch(() => undefined);
    }
    const everything = async () => ({
      lists: await Promise.all(
        (['valid', 'expired', 'deprecated', 'withdrawn', 'all'] as const).map((status) =>
          subject.find({ status, q: 'title' }),
        ),
      ),
      endorsers: await subject.registry.endorsers({ limit: 100, after: undefined }),
      nodes: await subject.db.query.selectFrom('log_nodes').selectAll().execute(),
    });
    const before = await everything();
    for (const table of ['entry_details', 'entries', 'entry_classes', 'endorsers', 'log_nodes'] as const) {
      await subject.db.query.deleteFrom(table).execute();
    }
    const result = await subject.registry.reindex();
    expect(result.failed).toEqual([]);
    expect(result.entries).toBe(before.lists.at(-1)?.total);
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
