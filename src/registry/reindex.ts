// Rebuilds the index from the signed documents: everything that a search looks at can be thrown away and made again.
import { createHash } from 'node:crypto';
import { type Database, type Queries } from '../db/database.ts';
import { type Tables } from '../db/tables.ts';
import { type DocumentReport, type Failure, type VerifyDocument } from '../trust/report.ts';
import { type EntryKey } from './entry.ts';
import { clearIndex } from './clear-index.ts';
import { indexEntries } from './index-entries.ts';
import { type AcceptedDocument } from './index-rows.ts';
import { appendHashes } from './log/append.ts';
import { leafHash } from './log/merkle.ts';
import { writeIndex } from './state.ts';

export interface ReindexDeps {
  readonly db: Database;
  readonly verify: VerifyDocument;
}

type FailedDocument = EntryKey & { readonly failures: readonly Failure[] };

export interface ReindexResult {
  readonly entries: number;
  readonly leaves: number;
  /** Documents that verified once and do not today, or whose bytes have changed. They are kept, but not found. */
  readonly failed: readonly FailedDocument[];
}

/** Documents that are read and verified at a time, while those before them are written. */
const batch = 200;
/** Leaves that are read at a time. */
const leafBatch = 1000;

async function rebuildNodes(queries: Queries): Promise<number> {
  await queries.deleteFrom('log_nodes').execute();
  for (let next = 0; ;) {
    const leaves = await queries
      .selectFrom('log_leaves')
      .select('leaf')
      .where('seq', '>=', next)
      .orderBy('seq')
      .limit(leafBatch)
      .execute();
    const hashes = leaves.map(({ leaf }) => leafHash(leaf));
    await appendHashes(queries, next, hashes);
    next += leaves.length;
    if (leaves.length < leafBatch) return next;
  }
}

interface Batch {
  readonly documents: readonly Tables['documents'][];
  /** One for each document, in their order. */
  readonly reports: Promise<readonly DocumentReport[]>;
}

/** The documents that follow one; they are being verified when this returns. */
async function readBatch(queries: Queries, verify: VerifyDocument, after: number): Promise<Batch> {
  const documents = await queries
    .selectFrom('documents')
    .selectAll()
    .where('id', '>', after)
    .orderBy('id')
    .limit(batch)
    .execute();
  const reports = Promise.all(documents.map(({ bytes }) => verify(bytes)));
  // Where writing the batch before fails, nobody waits for this one.
  reports.catch(() => undefined);
  return { documents, reports };
}

function judged(document: Tables['documents'], report: DocumentReport | undefined): AcceptedDocument | FailedDocument {
  const { id, sha256, identifier, email, created, accepted_at: acceptedAt, bytes } = document;
  const changed = createHash('sha256').update(bytes).digest('hex') !== sha256;
  if (report?.valid === true && !changed) return { id, sha256, acceptedAt, report };
  const failures = changed
    ? [{ code: 'document-changed', message: 'The stored bytes are not those that were accepted' }]
    : (report?.failures ?? []);
  return { identifier, email, created, failures };
}

/**
 * Rebuilds everything in one transaction: searches see the old index until the new one is whole, and where it is broken
 * off, by an error, a full disk or a kill, the old one stays. `onProgress` may throw to break it off.
 */
export function reindex({ db, verify }: ReindexDeps, onProgress?: (entries: number) => void): Promise<ReindexResult> {
  return writeIndex<ReindexResult>(db, async (queries, state) => {
    const leaves = await rebuildNodes(queries);
    await clearIndex(queries, state.version);
    const failed: FailedDocument[] = [];
    let entries = 0;
    for (let coming: Batch | undefined = await readBatch(queries, verify, -1); coming !== undefined;) {
      const { documents, reports }: Batch = coming;
      const last = documents.at(-1);
      coming = last === undefined || documents.length < batch ? undefined : await readBatch(queries, verify, last.id);
      const verdicts = await reports;
      const accepted: AcceptedDocument[] = [];
      for (const [place, document] of documents.entries()) {
        const verdict = judged(document, verdicts[place]);
        if ('report' in verdict) accepted.push(verdict);
        else failed.push(verdict);
      }
      await indexEntries(db.dialect, queries, state, accepted);
      entries += accepted.length;
      onProgress?.(entries);
    }
    return { leaves: 0, result: { entries, leaves, failed } };
  });
}
