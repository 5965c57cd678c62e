// Follows another registry's log from where it stopped: believes nothing that the log's signed root does not prove, and no
// document that does not verify here.
import { createHash } from 'node:crypto';
import { type Database, type Queries } from '../../db/database.ts';
import { Fault } from '../../errors/fault.ts';
import { type Accepted } from '../accept.ts';
import { readCheckpoint, type TreeHead } from '../log/checkpoint.ts';
import { leafHash, nodeHash, rootHash } from '../log/merkle.ts';
import { readVerifier } from '../log/note.ts';
import { acceptedIn } from './leaf.ts';
import { type LogSource } from './source.ts';

export interface FollowDeps {
  readonly db: Database;
  /** Takes a document into this registry, with every check of this site. */
  readonly accept: (bytes: Buffer) => Promise<Accepted>;
}

export interface Followed {
  /** Decisions in the other log, all proven to be there. */
  readonly size: number;
  /** New here. */
  readonly created: number;
  /** Here already. */
  readonly unchanged: number;
  /** Accepted there and not here, and why. */
  readonly refused: readonly {
    readonly seq: number;
    readonly sha256: string;
    readonly code: string;
    readonly message: string;
  }[];
}

/** Leaves that are stored in one transaction. */
const batch = 500;

function forged(message: string): Fault {
  return new Fault('registry.mirror-forged', message);
}

/** Appends leaf hashes to the stored tree of another log. */
async function appendLeaves(
  queries: Queries,
  verifier: string,
  first: number,
  leaves: readonly Buffer[],
): Promise<void> {
  for (const [index, leaf] of leaves.entries()) {
    const seq = first + index;
    let top = { verifier, height: 0, position: seq, hash: leafHash(leaf) };
    const nodes = [top];
    while (top.position % 2 === 1) {
      const left = await nodeOf(queries, verifier, top.height, top.position - 1);
      top = { verifier, height: top.height + 1, position: (top.position - 1) / 2, hash: nodeHash(left, top.hash) };
      nodes.push(top);
    }
    await queries.insertInto('mirror_leaves').values({ verifier, seq, leaf }).execute();
    await queries.insertInto('mirror_nodes').values(nodes).execute();
  }
}

async function nodeOf(queries: Queries, verifier: string, height: number, position: number): Promise<Buffer> {
  const row = await queries
    .selectFrom('mirror_nodes')
    .select('hash')
    .where('verifier', '=', verifier)
    .where('height', '=', height)
    .where('position', '=', position)
    .executeTakeFirst();
  if (row === undefined)
    throw new Fault('registry.log-broken', `The mirror lacks node ${position} at height ${height}`);
  return row.hash;
}

/** Adds the new leaves, and keeps them only if they lead from the tree that is known to the root that is signed. */
async function extend({ db }: FollowDeps, source: LogSource, verifier: string, head: TreeHead): Promise<void> {
  const fresh = { verifier, size: 0, followed: 0 };
  await db.query
    .insertInto('mirrors')
    .values(fresh)
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  await db.query.transaction().execute(async (queries) => {
    // The row is written first: two followers of one log go one after the other.
    const { size } = await queries
      .updateTable('mirrors')
      .set((row) => ({ size: row('size', '+', 0) }))
      .where('verifier', '=', verifier)
      .returning('size')
      .executeTakeFirstOrThrow();
    if (head.size < size) {
      throw forged(`The other log has shrunk from ${size} decisions to ${head.size}: it was rolled back, or forked`);
    }
    let waiting: Buffer[] = [];
    let at = size;
    const store = async (): Promise<void> => {
      await appendLeaves(queries, verifier, at, waiting);
      at += waiting.length;
      waiting = [];
    };
    for await (const leaf of source.leaves(size, head.size)) {
      waiting.push(leaf);
      if (waiting.length === batch) await store();
    }
    await store();
    const root = await rootHash((height, position) => nodeOf(queries, verifier, height, position), at);
    if (at !== head.size || !root.equals(head.root)) {
      throw forged(
        `The other log's ${head.size} decisions do not lead to the root that it signed, after the ${size} that are known here`,
      );
    }
    await queries.updateTable('mirrors').set({ size: at }).where('verifier', '=', verifier).execute();
  });
}

/** Takes in what one proven leaf says was accepted. */
async function takeIn(
  deps: FollowDeps,
  source: LogSource,
  seq: number,
  leaf: Buffer,
): Promise<Accepted | Fault | undefined> {
  const accepted = acceptedIn(leaf, seq);
  if (accepted === undefined) return undefined;
  const { key, sha256 } = accepted;
  const { identifier, email } = key;
  const bytes = await source.document(key, sha256);
  if (bytes === undefined) {
    throw new Fault(
      'registry.mirror-incomplete',
      `The document of decision ${seq}, ${identifier} of ${email}, is withheld`,
    );
  }
  if (createHash('sha256').update(bytes).digest('hex') !== sha256) {
    throw forged(`The document of decision ${seq}, ${identifier} of ${email}, is not the one that was accepted`);
  }
  try {
    return await deps.accept(bytes);
  } catch (error) {
    if (error instanceof Fault && error.code.startsWith('registry.')) return error;
    throw error;
  }
}

/**
 * Follows the log of `verifier` (`name+hash+key`) up to its newest checkpoint. It can be stopped at any time and goes on
 * from there. Throws `registry.mirror-forged` where the log or a document is not what was signed, or the log's past has
 * changed since it was last followed: nothing new is taken in then; `registry.mirror-incomplete` where something is
 * withheld; `usage` where the verifier is none.
 */
export async function followLog(deps: FollowDeps, source: LogSource, verifier: string): Promise<Followed> {
  const key = readVerifier(verifier);
  if (key === undefined) throw new Fault('usage', `"${verifier}" is not the key of a log (name+hash+key)`);
  const head = readCheckpoint(await source.checkpoint(), key);
  if (head === undefined) throw forged(`The checkpoint is not signed by ${key.name}`);
  await extend(deps, source, verifier, head);
  const { query } = deps.db;
  const { followed } = await query
    .selectFrom('mirrors')
    .select('followed')
    .where('verifier', '=', verifier)
    .executeTakeFirstOrThrow();
  const counts = { created: 0, unchanged: 0 };
  const refused: Followed['refused'][number][] = [];
  for (let seq = followed; seq < head.size; seq += 1) {
    const { leaf } = await query
      .selectFrom('mirror_leaves')
      .select('leaf')
      .where('verifier', '=', verifier)
      .where('seq', '=', seq)
      .executeTakeFirstOrThrow();
    const result = await takeIn(deps, source, seq, leaf);
    if (result instanceof Fault) {
      const { sha256 } = JSON.parse(leaf.toString()) as { readonly sha256: string };
      refused.push({ seq, sha256, code: result.code, message: result.message });
    } else if (result !== undefined) counts[result.outcome] += 1;
    await query
      .updateTable('mirrors')
      .set({ followed: seq + 1 })
      .where('verifier', '=', verifier)
      .execute();
  }
  return { size: head.size, ...counts, refused };
}
