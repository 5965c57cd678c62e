// Decides about documents that verify, those that come at the same moment in one transaction, in which all are taken in.
import { type Database, type Queries } from '../db/database.ts';
import { Together } from '../db/together.ts';
import { insertRows } from '../db/insert-rows.ts';
import { type Fault } from '../errors/fault.ts';
import { type EntryKey } from './entry.ts';
import { historyAgainst, newestOf, pairText } from './history.ts';
import { indexEntries } from './index-entries.ts';
import { type AcceptedDocument, type ValidReport } from './index-rows.ts';
import {
  appendDecisions,
  type Decision,
  type DecisionNote,
  type PrivateNote,
  type PublishingDecision,
} from './log/append.ts';
import { UploadCounts, type LimitedUpload } from './limit.ts';
import { writeIndex, type RegistryState } from './state.ts';

export interface Sender {
  /** Network address of who sent the document; kept in the audit log, never shown. */
  readonly address?: string;
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
 * Has the last word inside the transaction, where nothing else stands against a document: it is published after leaves
 * with these decisions, or held back. What a gate reads must be written by gates alone: documents of the same moment are
 * published after all of them.
 */
export type Gate<Held> = (queries: Queries, document: VerifiedDocument) => Promise<Passed | { readonly held: Held }>;

interface Passed {
  readonly before: readonly Decision[];
  /** Where there is a limit: what counts for it. */
  readonly limited?: LimitedUpload | undefined;
}

export type Verdict<Held> =
  | { readonly outcome: 'created' | 'unchanged'; readonly id: number }
  | { readonly outcome: 'refused'; readonly fault: Fault }
  | { readonly outcome: 'held'; readonly held: Held };

export function noteOf({ address }: Sender, detail: unknown): PrivateNote {
  return { ...(address === undefined ? {} : { address }), detail: JSON.stringify(detail) };
}

function publishing({ metadata: { withdrawal, deprecated } }: ValidReport): PublishingDecision {
  if (withdrawal !== undefined) return 'revoked';
  return deprecated === undefined ? 'accepted' : 'deprecated';
}

async function sameBytes(queries: Queries, documents: readonly VerifiedDocument[]): Promise<Map<string, number>> {
  const sums = documents.map(({ sha256 }) => sha256);
  const known = queries.selectFrom('documents').select(['id', 'sha256']).where('sha256', 'in', sums);
  return new Map((await known.execute()).map(({ id, sha256 }) => [sha256, id]));
}

/** What the registry has that may stand against documents. */
interface Known {
  /** Ids of documents by their SHA-256. */
  readonly same: Map<string, number>;
  /** When the newest document of an image and endorser was made, by {@link pairText}. */
  readonly newest: Map<string, string>;
  readonly uploads: UploadCounts;
}

async function knownAbout(queries: Queries, documents: readonly VerifiedDocument[]): Promise<Known> {
  const keys = documents.map(({ key }) => key);
  const emails = keys.map(({ email }) => email);
  return {
    same: await sameBytes(queries, documents),
    newest: await newestOf(queries, keys),
    uploads: await UploadCounts.of(queries, emails),
  };
}

/** What is decided in one transaction, until it is written. */
class Decisions {
  readonly leaves: DecisionNote[] = [];
  readonly published: { readonly id: number; readonly document: VerifiedDocument }[] = [];
  readonly #state: RegistryState;
  readonly #known: Known;

  constructor(state: RegistryState, known: Known) {
    this.#state = state;
    this.#known = known;
  }

  async decide<Held>(queries: Queries, document: VerifiedDocument, gate: Gate<Held>): Promise<Verdict<Held>> {
    const { sha256, key, at, report, sender } = document;
    const same = this.#known.same.get(sha256);
    if (same !== undefined) return { outcome: 'unchanged', id: same };
    const fault = historyAgainst(key, this.#known.newest.get(pairText(key)));
    if (fault !== undefined) {
      const decision: Decision = { at, decision: 'refused', sha256, ...key, reasons: [fault.code] };
      this.leaves.push({ decision, note: noteOf(sender, fault.details) });
      return { outcome: 'refused', fault };
    }
    const answer = await gate(queries, document);
    if ('held' in answer) return { outcome: 'held', held: answer.held };
    const over = answer.limited === undefined ? undefined : this.#known.uploads.add(answer.limited);
    if (over !== undefined) return { outcome: 'refused', fault: over };
    this.leaves.push(...answer.before.map((decision) => ({ decision, note: {} })));
    const id = this.#state.logSize + this.leaves.length;
    const note = noteOf(sender, { weak: report.weak, fingerprint: report.signer.fingerprint });
    this.leaves.push({ decision: { at, decision: publishing(report), sha256, ...key }, note });
    this.published.push({ id, document });
    this.#known.same.set(sha256, id);
    this.#known.newest.set(pairText(key), key.created);
    return { outcome: 'created', id };
  }

  /** Leaves, documents and index. */
  async write({ dialect }: Database, queries: Queries): Promise<void> {
    if (this.leaves.length === 0) return;
    await this.#known.uploads.write(queries);
    await appendDecisions(queries, this.#state.logSize, this.leaves);
    const rows = this.published.map(({ id, document: { sha256, key, at, bytes } }) => ({
      id,
      sha256,
      ...key,
      accepted_at: at,
      bytes: Buffer.from(bytes),
    }));
    await insertRows(queries, 'documents', rows);
    const accepted = this.published.map(({ id, document: { sha256, at, report } }): AcceptedDocument => {
      return { id, sha256, acceptedAt: at, report };
    });
    await indexEntries(dialect, queries, this.#state, accepted);
  }
}

interface Candidate {
  readonly document: VerifiedDocument;
  /** Resolves with what tells the verdict, for when it is on disk. */
  readonly decide: (queries: Queries, decisions: Decisions) => Promise<() => void>;
}

function decideAll(db: Database, candidates: readonly Candidate[]): Promise<readonly (() => void)[]> {
  return writeIndex(db, async (queries, state) => {
    const documents = candidates.map(({ document }) => document);
    const decisions = new Decisions(state, await knownAbout(queries, documents));
    const decided: (() => void)[] = [];
    for (const { decide } of candidates) decided.push(await decide(queries, decisions));
    await decisions.write(db, queries);
    return { leaves: decisions.leaves.length, result: decided };
  });
}

export class Intake {
  readonly #candidates: Together<Candidate, () => void>;

  constructor(db: Database) {
    this.#candidates = new Together((candidates) => decideAll(db, candidates));
  }

  /** Decides about a document, and publishes it: leaf, document and index are on disk when this resolves. */
  decide<Held>(document: VerifiedDocument, gate: Gate<Held>): Promise<Verdict<Held>> {
    return new Promise((resolve, reject) => {
      const decide: Candidate['decide'] = async (queries, decisions) => {
        const verdict = await decisions.decide(queries, document, gate);
        return () => resolve(verdict);
      };
      this.#candidates.do({ document, decide }).then((tell) => tell(), reject);
    });
  }
}
