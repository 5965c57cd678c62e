// Rebuilds the index from the signed documents: everything that a search looks at can be thrown away and made again.
import { createHash } from 'node:crypto';
import { type Database, type Queries } from '../db/database.ts';
import { deleteAllWords } from '../db/dialect.ts';
import { type Failure, type VerifyDocument } from '../trust/report.ts';
import { type EntryKey } from './entry.ts';
import { indexEntry } from './index-entry.ts';
import { leafHash } from './log/merkle.ts';
import { appendHash } from './log/append.ts';
import { writeIndex } from './state.ts';

export interface ReindexDeps {
  readonly db: Database;
  readonly verify: VerifyDocument;
}

export interface ReindexResult {
  readonly entries: number;
  readonly leaves: number;
  /** Documents that verified once and do not today, or whose bytes have changed. They are kept, but not found. */
  readonly failed: readonly (EntryKey & { readonly failures: readonly Failure[] })[];
}

/** Documents and leaves that are read at a time. */
const batch = 200;

async function emptyIndex(queries: Queries, version: number): Promise<void> {
  await deleteAllWords(queries);
  for (const name of ['entry_details', 'entries', 'endorsers', 'log_nodes'] as const) {
    await queries.deleteFrom(name).execute();
  }
  // Classes stay, so that their ids mean the same to every process that has them in memory.
  const none = { valid_count: 0, expired_count: 0, deprecated_count: 0, all_count: 0, version };
  await queries.updateTable('entry_classes').set(none).execute();
}

async function rebuildNodes(queries: Queries): Promise<number> {
  for (let next = 0; ;) {
    const leaves = await queries
      .selectFrom('log_leaves')
      .select(['seq', 'leaf'])
      .where('seq', '>=', next)
      .orderBy('seq')
      .limit(batch)
      .execute();
    for (const { seq, leaf } of leaves) await appendHash(queries, seq, leafHash(leaf));
    next += leaves.length;
    if (leaves.length < batch) return next;
  }
}

/** Rebuilds everything in one transaction: searches see the old index until the new one is whole. */
export function reindex({ db, verify }: ReindexDeps, onProgress?: (entries: number) => void): Promise<ReindexResult> {
  return writeIndex<ReindexResult>(db, async (queries, state) => {
    await emptyIndex(queries, state.version);
    const leaves = await rebuildNodes(queries);
    const failed: (EntryKey & { failures: readonly Failure[] })[] = [];
    let entries = 0;
    for (let after = -1; ;) {
      const documents = await queries
        .selectFrom('documents')
        .selectAll()
        .where('id', '>', after)
        .orderBy('id')
        .limit(batch)
        .execute();
      const reports = await Promise.all(documents.map(({ bytes }) => verify(bytes)));
      for (const [index, document] of documents.entries()) {
        const { id, sha256, identifier, email, created, accepted_at: acceptedAt, bytes } = document;
        const report = reports[index];
        const changed = createHash('sha256').update(bytes).digest('hex') !== sha256;
        if (report?.valid === true && !changed) {
          await indexEntry(db.dialect, queries, state, { id, sha256, acceptedAt, report });
          entries += 1;
        } else {
          const failures = changed
            ? [{ code: 'document-changed', message: 'The stored bytes are not those that were accepted' }]
            : (report?.failures ?? []);
          failed.push({ identifier, email, created, failures });
        }
        after = id;
      }
      onProgress?.(entries);
      if (documents.length < batch) return { leaves: 0, result: { entries, leaves, failed } };
    }
  });
}
