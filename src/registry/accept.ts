// Takes one signed document into the registry, whole or not at all, and writes down what was decided.
import { createHash } from 'node:crypto';
import { type Database } from '../db/database.ts';
import { Fault } from '../errors/fault.ts';
import { type Failure, type VerifyDocument } from '../trust/report.ts';
import { timeText, type RegistryEntry } from './entry.ts';
import { historyAgainst, keyOf } from './history.ts';
import { indexEntry, type ValidReport } from './index-entry.ts';
import { appendDecision, type Decision, type PrivateNote, type PublishingDecision } from './log/append.ts';
import { entryById } from './read.ts';
import { writeIndex } from './state.ts';

export interface AcceptDeps {
  readonly db: Database;
  readonly verify: VerifyDocument;
  readonly now: () => Date;
}

export interface Sender {
  /** Network address of who sent the document; kept in the audit log, never shown. */
  readonly address?: string;
}

export interface Accepted {
  /** `unchanged`: the same bytes are here already. */
  readonly outcome: 'created' | 'unchanged';
  readonly entry: RegistryEntry;
}

type Verdict =
  | { readonly outcome: 'created' | 'unchanged'; readonly id: number }
  | { readonly outcome: 'refused'; readonly fault: Fault };

function refusal(failures: readonly Failure[]): Fault {
  const [first] = failures;
  const others = failures.length > 1 ? ` (and ${failures.length - 1} more)` : '';
  return new Fault('registry.refused', `The document is refused: ${first?.message ?? 'it does not verify'}${others}`, {
    details: { failures },
  });
}

function noteOf(address: string | undefined, detail: unknown): PrivateNote {
  return { ...(address === undefined ? {} : { address }), detail: JSON.stringify(detail) };
}

async function logRefusal(
  { db, now }: AcceptDeps,
  sha256: string,
  failures: readonly Failure[],
  { address }: Sender,
): Promise<void> {
  const reasons = [...new Set(failures.map(({ code }) => code))];
  const decision: Decision = { at: timeText(now()), decision: 'refused', sha256, reasons };
  await writeIndex(db, async (queries, state) => {
    await appendDecision(queries, state.logSize, decision, noteOf(address, { failures }));
    return { leaves: 1, result: undefined };
  });
}

function publishing({ metadata: { withdrawal, deprecated } }: ValidReport): PublishingDecision {
  if (withdrawal !== undefined) return 'revoked';
  return deprecated === undefined ? 'accepted' : 'deprecated';
}

/** Decides about a document that verifies, and stores it, in one transaction. */
function decide(
  { db, now }: AcceptDeps,
  bytes: Uint8Array,
  sha256: string,
  report: ValidReport,
  { address }: Sender,
): Promise<Verdict> {
  const key = keyOf(report);
  const at = timeText(now());
  return writeIndex<Verdict>(db, async (queries, state) => {
    const same = await queries.selectFrom('documents').select('id').where('sha256', '=', sha256).executeTakeFirst();
    if (same !== undefined) return { leaves: 0, result: { outcome: 'unchanged', id: same.id } };
    const fault = await historyAgainst(queries, key);
    if (fault !== undefined) {
      const decision: Decision = { at, decision: 'refused', sha256, ...key, reasons: [fault.code] };
      await appendDecision(queries, state.logSize, decision, noteOf(address, fault.details));
      return { leaves: 1, result: { outcome: 'refused', fault } };
    }
    const id = state.logSize;
    const note = noteOf(address, { weak: report.weak, fingerprint: report.signer.fingerprint });
    await appendDecision(queries, id, { at, decision: publishing(report), sha256, ...key }, note);
    await queries
      .insertInto('documents')
      .values({ id, sha256, ...key, accepted_at: at, bytes: Buffer.from(bytes) })
      .execute();
    await indexEntry(db.dialect, queries, state, { id, sha256, acceptedAt: at, report });
    return { leaves: 1, result: { outcome: 'created', id } };
  });
}

/**
 * Verifies a signed document and adds it as the newest entry of its (identifier, email): document, index and log in one
 * transaction that is on disk when this returns. The same bytes again change nothing.
 *
 * Throws `registry.refused` (details.failures: code, element, line, message), `registry.older` where a newer entry of the
 * same image and endorser is here, `registry.key-taken` where the same key is here with other bytes. Refusals are logged.
 */
export async function acceptEntry(deps: AcceptDeps, bytes: Uint8Array, sender: Sender): Promise<Accepted> {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const report = await deps.verify(bytes);
  if (!report.valid) {
    await logRefusal(deps, sha256, report.failures, sender);
    throw refusal(report.failures);
  }
  const verdict = await decide(deps, bytes, sha256, report, sender);
  if (verdict.outcome === 'refused') throw verdict.fault;
  const entry = await entryById(deps, verdict.id);
  if (entry === undefined) throw new Fault('internal', 'An accepted entry is not in the index; run a reindex');
  return { outcome: verdict.outcome, entry };
}
