// What would become of a document, were it sent: the whole check, and nothing is written.
import { createHash } from 'node:crypto';
import { type Database } from '../db/database.ts';
import { type Failure, type Step, type VerifyDocument } from '../trust/report.ts';
import { historyAgainst, keyOf, newestOf, pairText } from './history.ts';

export interface CheckDeps {
  readonly db: Database;
  readonly verify: VerifyDocument;
}

export interface CheckedDocument {
  readonly accepted: boolean;
  /** A short sentence for people. */
  readonly title: string;
  readonly steps: readonly Step[];
  /** Why it would be refused. */
  readonly failures: readonly Failure[];
}

/** Checks a document as {@link acceptEntry} would, without taking it in. */
export async function checkDocument({ db, verify }: CheckDeps, bytes: Uint8Array): Promise<CheckedDocument> {
  const report = await verify(bytes);
  const { steps } = report;
  if (!report.valid) {
    return { accepted: false, title: 'This document would be refused', steps, failures: report.failures };
  }
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const same = await db.query.selectFrom('documents').select('id').where('sha256', '=', sha256).executeTakeFirst();
  if (same !== undefined) return { accepted: true, title: 'This document is here already', steps, failures: [] };
  const key = keyOf(report);
  const fault = historyAgainst(key, (await newestOf(db.query, [key])).get(pairText(key)));
  if (fault === undefined) return { accepted: true, title: 'This document can be published', steps, failures: [] };
  const failures = [{ code: fault.code, message: `${fault.message}. ${fault.action}` }];
  return { accepted: false, title: 'This document would be refused', steps, failures };
}
