// Takes one signed document into the registry, whole or not at all, and writes down what was decided.
import { createHash } from 'node:crypto';
import { type Database, type Queries } from '../db/database.ts';
import { Fault } from '../errors/fault.ts';
import { type Failure, type VerifyDocument } from '../trust/report.ts';
import { timeText, type EntryKey, type RegistryEntry } from './entry.ts';
import { historyAgainst, keyOf } from './history.ts';
import { indexEntry } from './index-entry.ts';
import { type ValidReport } from './index-rows.ts';
import { appendDecision, type Decision, type PrivateNote, type PublishingDecision } from './log/append.ts';
import { entryById } from './read.ts';
import { writeIndex, type RegistryState } from './state.ts';

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

/** A document that has verified. */
export interface VerifiedDocument {
  readonly bytes: Uint8Array;
  readonly sha256: string;
  readonly key: EntryKey;
  readonly report: ValidReport;
  /** When it is decided about. */
  readonly at: string;
  readonly sender: Sender;
}

/**
 * Has the last word inside the transaction, where nothing else stands against a document: it is published after the
 * leaves that were appended here, or held back.
 */
export type Gate<Held> = (
  queries: Queries,
  state: RegistryState,
  document: VerifiedDocument,
) => Promise<{ readonly leaves: number } | { readonly held: Held }>;

const open: Gate<never> = () => Promise.resolve({ leaves: 0 });

type Verdict<Held> =
  | { readonly outcome: 'created' | 'unchanged'; readonly id: number }
  | { readonly outcome: 'refused'; readonly fault: Fault }
  | { readonly outcome: 'held'; readonly held: Held };

function refusal(failures: readonly Failure[]): Fault {
  const [first] = failures;
  const others = failures.length > 1 ? ` (and ${failures.length - 1} more)` : '';
  return new Fault('registry.refused', `The document is refused: ${first?.message ?? 'it does not verify'}${others}`, {
    details: { failures },
  });
}

function noteOf({ address }: Sender, detail: unknown): PrivateNote {
  return { ...(address === undefined ? {} : { address }), detail: JSON.stringify(detail) };
}

async function logRefusal(
  { db, now }: AcceptDeps,
  sha256: string,
  failures: readonly Failure[],
  sender: Sender,
): Promise<void> {
  const reasons = [...new Set(failures.map(({ code }) => code))];
  const decision: Decision = { at: timeText(now()), decision: 'refused', sha256, reasons };
  await writeIndex(db, async (queries, state) => {
    await appendDecision(queries, state.logSize, decision, noteOf(sender, { failures }));
    return { leaves: 1, result: undefined };
  });
}

function publishing({ metadata: { withdrawal, deprecated } }: ValidReport): PublishingDecision {
  if (withdrawal !== undefined) return 'revoked';
  return deprecated === undefined ? 'accepted' : 'deprecated';
}

/** Leaf, document and index; `id` is the index of the leaf. */
async function publish(
  { dialect }: Database,
  queries: Queries,
  state: RegistryState,
  id: number,
  { bytes, sha256, key, report, at, sender }: VerifiedDocument,
): Promise<void> {
  const note = noteOf(sender, { weak: report.weak, fingerprint: report.signer.fingerprint });
  await appendDecision(queries, id, { at, decision: publishing(report), sha256, ...key }, note);
  await queries
    .insertInto('documents')
    .values({ id, sha256, ...key, accepted_at: at, bytes: Buffer.from(bytes) })
    .execute();
  await indexEntry(dialect, queries, state, { id, sha256, acceptedAt: at, report });
}

/** Decides about a document that verifies, and stores it, in one transaction. */
function decide<Held>(db: Database, document: VerifiedDocument, gate: Gate<Held>): Promise<Verdict<Held>> {
  const { sha256, key, at, sender } = document;
  return writeIndex<Verdict<Held>>(db, async (queries, state) => {
    const same = await queries.selectFrom('documents').select('id').where('sha256', '=', sha256).executeTakeFirst();
    if (same !== undefined) return { leaves: 0, result: { outcome: 'unchanged', id: same.id } };
    const fault = await historyAgainst(queries, key);
    if (fault !== undefined) {
      const decision: Decision = { at, decision: 'refused', sha256, ...key, reasons: [fault.code] };
      await appendDecision(queries, state.logSize, decision, noteOf(sender, fault.details));
      return { leaves: 1, result: { outcome: 'refused', fault } };
    }
    const gated = await gate(queries, state, document);
    if ('held' in gated) return { leaves: 0, result: { outcome: 'held', held: gated.held } };
    const id = state.logSize + gated.leaves;
    await publish(db, queries, state, id, document);
    return { leaves: gated.leaves + 1, result: { outcome: 'created', id } };
  });
}

/** As {@link acceptEntry}, with a gate that may hold a document back. */
export async function takeIn<Held>(
  deps: AcceptDeps,
  bytes: Uint8Array,
  sender: Sender,
  gate: Gate<Held>,
): Promise<Accepted | Held> {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const report = await deps.verify(bytes);
  if (!report.valid) {
    await logRefusal(deps, sha256, report.failures, sender);
    throw refusal(report.failures);
  }
  const at = timeText(deps.now());
  const verdict = await decide(deps.db, { bytes, sha256, key: keyOf(report), report, at, sender }, gate);
  if (verdict.outcome === 'refused') throw verdict.fault;
  if (verdict.outcome === 'held') return verdict.held;
  const entry = await entryById(deps, verdict.id);
  if (entry === undefined) throw new Fault('internal', 'An accepted entry is not in the index; run a reindex');
  return { outcome: verdict.outcome, entry };
}

/**
 * Verifies a signed document and adds it as the newest entry of its (identifier, email): document, index and log in one
 * transaction that is on disk when this returns. The same bytes again change nothing.
 *
 * Throws `registry.refused` (details.failures: code, element, line, message), `registry.older` where a newer entry of the
 * same image and endorser is here, `registry.key-taken` where the same key is here with other bytes. Refusals are logged.
 */
export function acceptEntry(deps: AcceptDeps, bytes: Uint8Array, sender: Sender): Promise<Accepted> {
  return takeIn(deps, bytes, sender, open);
}
