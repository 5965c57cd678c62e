// Takes one signed document into the registry, whole or not at all, and writes down what was decided.
import { createHash } from 'node:crypto';
import { type Database } from '../db/database.ts';
import { Fault } from '../errors/fault.ts';
import { type Failure, type VerifyDocument } from '../trust/report.ts';
import { timeText, type RegistryEntry } from './entry.ts';
import { keyOf } from './history.ts';
import { noteOf, type Gate, type Intake, type Sender, type VerifiedDocument } from './intake.ts';
import { appendDecisions, type Decision } from './log/append.ts';
import { acceptedEntry, entryById } from './read.ts';
import { writeIndex } from './state.ts';

export interface AcceptDeps {
  readonly db: Database;
  readonly verify: VerifyDocument;
  readonly now: () => Date;
  readonly intake: Intake;
}

export interface Accepted {
  /** `unchanged`: the same bytes are here already. */
  readonly outcome: 'created' | 'unchanged';
  readonly entry: RegistryEntry;
}

const open: Gate<never> = () => Promise.resolve({ before: [] });

function refusal(failures: readonly Failure[]): Fault {
  const [first] = failures;
  const others = failures.length > 1 ? ` (and ${failures.length - 1} more)` : '';
  return new Fault('registry.refused', `The document is refused: ${first?.message ?? 'it does not verify'}${others}`, {
    details: { failures },
  });
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
    await appendDecisions(queries, state.logSize, [{ decision, note: noteOf(sender, { failures }) }]);
    return { leaves: 1, result: undefined };
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
  const document: VerifiedDocument = { bytes, sha256, key: keyOf(report), report, at, sender };
  const verdict = await deps.intake.decide(document, gate);
  if (verdict.outcome === 'refused') throw verdict.fault;
  if (verdict.outcome === 'held') return verdict.held;
  const { outcome, id } = verdict;
  if (outcome === 'created') return { outcome, entry: acceptedEntry(id, document) };
  const entry = await entryById(deps, id);
  if (entry === undefined) throw new Fault('internal', 'An accepted entry is not in the index; run a reindex');
  return { outcome, entry };
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
