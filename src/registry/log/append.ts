// Adds decisions to the log: leaves, the subtree hashes they complete, and what only the site itself may see.
import { type Queries } from '../../db/database.ts';
import { insertRows } from '../../db/insert-rows.ts';
import { type Tables } from '../../db/tables.ts';
import { Fault } from '../../errors/fault.ts';
import { leafHash, nodeHash } from './merkle.ts';

/**
 * The decisions that publish a document: as an entry, as one that advises against an image (`deprecated`), or as one that
 * takes an endorsement back (`revoked`). The id of the entry is the index of this leaf.
 */
export const publishingDecisions = ['accepted', 'deprecated', 'revoked'] as const;
export type PublishingDecision = (typeof publishingDecisions)[number];

/** What the log says about one decision. It is public, so it holds nothing about who sent the upload. */
export interface Decision {
  readonly at: string;
  readonly decision: PublishingDecision | 'confirmed' | 'refused';
  /** SHA-256 of the document, hex. */
  readonly sha256: string;
  /** Of documents that verified. */
  readonly identifier?: string;
  readonly email?: string;
  readonly created?: string;
  /** Codes of the rules that failed. */
  readonly reasons?: readonly string[];
}

/** For the site's own eyes. */
export interface PrivateNote {
  readonly address?: string;
  readonly detail?: string;
}

/** The bytes of a leaf: JSON with its members in a fixed order. */
export function leafBytes(decision: Decision): Buffer {
  const { at, decision: what, sha256, identifier, email, created, reasons } = decision;
  return Buffer.from(JSON.stringify({ v: 1, at, decision: what, sha256, identifier, email, created, reasons }));
}

export async function readNode(queries: Queries, height: number, position: number): Promise<Buffer> {
  const row = await queries
    .selectFrom('log_nodes')
    .select('hash')
    .where('height', '=', height)
    .where('position', '=', position)
    .executeTakeFirst();
  if (row === undefined) throw new Fault('registry.log-broken', `The log lacks node ${position} at height ${height}`);
  return row.hash;
}

/** Stores the hashes of leaves that follow one another from `seq` on, and those of the subtrees that they complete. */
export async function appendHashes(queries: Queries, seq: number, hashes: readonly Buffer[]): Promise<void> {
  const nodes: Tables['log_nodes'][] = [];
  const made = new Map<string, Buffer>();
  for (const [index, leaf] of hashes.entries()) {
    let [height, position, hash] = [0, seq + index, leaf];
    for (;;) {
      nodes.push({ height, position, hash });
      made.set(`${height} ${position}`, hash);
      if (position % 2 === 0) break;
      const left = made.get(`${height} ${position - 1}`) ?? (await readNode(queries, height, position - 1));
      [height, position, hash] = [height + 1, (position - 1) / 2, nodeHash(left, hash)];
    }
  }
  await insertRows(queries, 'log_nodes', nodes);
}

/** One decision, as the log and the site's own eyes get it. */
export interface DecisionNote {
  readonly decision: Decision;
  readonly note: PrivateNote;
}

/** Appends to the log inside a transaction that holds the registry's row; `seq` is the size of the log so far. */
export async function appendDecisions(
  queries: Queries,
  seq: number,
  decisions: readonly DecisionNote[],
): Promise<void> {
  const leaves = decisions.map(({ decision, note }, index) => ({
    seq: seq + index,
    leaf: leafBytes(decision),
    address: note.address ?? null,
    detail: note.detail ?? null,
  }));
  await insertRows(queries, 'log_leaves', leaves);
  await appendHashes(
    queries,
    seq,
    leaves.map(({ leaf }) => leafHash(leaf)),
  );
}
