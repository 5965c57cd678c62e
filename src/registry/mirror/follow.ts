// Follows another registry's log from where it stopped: believes nothing that the log's signed root does not prove, and no
// document that does not verify here.
import { createHash } from 'node:crypto';
import { type Database, type Queries } from '../../db/database.ts';
import { Fault } from '../../errors/fault.ts';
import { type Accepted } from '../accept.ts';
import { readCheckpoint, type TreeHead } from '../log/checkpoint.ts';
import { Frontier, leafHash, nodeHash } from '../log/merkle.ts';
import { readVerifier } from '../log/note.ts';
import { acceptedIn } from './leaf.ts';
import { type LogSource } from './source.ts';
import { LeafSpool } from './spool.ts';

export interface FollowDeps {
  readonly db: Database;
  /** Takes a document into this registry, with every check of this site. */
  readonly accept: (bytes: Buffer) => Promise<Accepted>;
  /** Whether this site wants a document at all; every one where it is left out. What it does not want is not refused, but left. */
  readonly wants?: (bytes: Buffer) => Promise<boolean>;
}

export interface FollowOptions {
  /** Looks at every decision again: at what was refused or left before, too. */
  readonly again?: boolean;
}

export interface Followed {
  /** Decisions in the other log, all proven to be there. */
  readonly size: number;
  /** New here. */
  readonly created: number;
  /** Here already. */
  readonly unchanged: number;
  /** Not wanted here. */
  readonly left: number;
  /** Accepted there and not here, and why. */
  readonly refused: readonly {
    readonly seq: number;
    readonly sha256: string;
    readonly code: string;
    readonly message: string;
  }[];
}

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

/** Longest leaf that a tile can hold. */
const longestLeaf = 65_535;

/** Fetches the leaves after the first `size`. Throws unless they lead from the tree that is known to the root that is signed. */
async function fetchProven(
  { query }: Database,
  source: LogSource,
  verifier: string,
  span: { readonly size: number; readonly head: TreeHead },
  spool: LeafSpool,
): Promise<void> {
  const { size, head } = span;
  const frontier = await Frontier.of((height, position) => nodeOf(query, verifier, height, position), size);
  let at = size;
  for await (const leaf of source.leaves(size, head.size)) {
    if (at === head.size || leaf.length > longestLeaf) throw forged(`Decision ${at} of the other log is none`);
    frontier.append(leafHash(leaf));
    await spool.add(leaf);
    at += 1;
  }
  if (at !== head.size || !frontier.root().equals(head.root)) {
    throw forged(
      `The other log's ${head.size} decisions do not lead to the root that it signed, after the ${size} that are known here`,
    );
  }
}

/** Stores proven leaves. What another follower has stored meanwhile must be the same. */
async function store({ query }: Database, verifier: string, first: number, leaves: readonly Buffer[]): Promise<void> {
  await query.transaction().execute(async (queries) => {
    // The row is written first: two followers of one log go one after the other.
    const { size } = await queries
      .updateTable('mirrors')
      .set((row) => ({ size: row('size', '+', 0) }))
      .where('verifier', '=', verifier)
      .returning('size')
      .executeTakeFirstOrThrow();
    const known = await queries
      .selectFrom('mirror_leaves')
      .select('leaf')
      .where('verifier', '=', verifier)
      .where('seq', '>=', first)
      .where('seq', '<', first + leaves.length)
      .orderBy('seq')
      .execute();
    if (known.some(({ leaf }, index) => leaves[index]?.equals(leaf) !== true)) {
      throw forged('Two followers were shown two different logs under one key: it has forked');
    }
    if (known.length === leaves.length) return;
    await appendLeaves(queries, verifier, size, leaves.slice(known.length));
    await queries
      .updateTable('mirrors')
      .set({ size: first + leaves.length })
      .where('verifier', '=', verifier)
      .execute();
  });
}

/** Adds the new leaves once they are proven. Everything is fetched before anything is written: a slow link holds up nobody. */
async function extend({ db }: FollowDeps, source: LogSource, verifier: string, head: TreeHead): Promise<void> {
  await db.query
    .insertInto('mirrors')
    .values({ verifier, size: 0, followed: 0 })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const { size } = await db.query
    .selectFrom('mirrors')
    .select('size')
    .where('verifier', '=', verifier)
    .executeTakeFirstOrThrow();
  if (head.size < size) {
    throw forged(`The other log has shrunk from ${size} decisions to ${head.size}: it was rolled back, or forked`);
  }
  const spool = new LeafSpool();
  try {
    await fetchProven(db, source, verifier, { size, head }, spool);
    let first = size;
    for await (const leaves of spool.batches()) {
      await store(db, verifier, first, leaves);
      first += leaves.length;
    }
  } finally {
    await spool.close();
  }
}

/** Takes in what one proven leaf says was accepted. */
async function takeIn(
  deps: FollowDeps,
  source: LogSource,
  seq: number,
  leaf: Buffer,
): Promise<Accepted | Fault | 'left' | undefined> {
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
  if (deps.wants !== undefined && !(await deps.wants(bytes))) return 'left';
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
export async function followLog(
  deps: FollowDeps,
  source: LogSource,
  verifier: string,
  { again = false }: FollowOptions = {},
): Promise<Followed> {
  const key = readVerifier(verifier);
  if (key === undefined) {
    throw new Fault('usage', `"${verifier}" is not the key of a log`, {
      action: 'Give it as "mintmark log verify --json" prints it: name+hash+key, in one line.',
    });
  }
  const head = readCheckpoint(await source.checkpoint(), key);
  if (head === undefined) throw forged(`The checkpoint is not signed by ${key.name}`);
  await extend(deps, source, verifier, head);
  const { query } = deps.db;
  const { followed } = await query
    .selectFrom('mirrors')
    .select('followed')
    .where('verifier', '=', verifier)
    .executeTakeFirstOrThrow();
  const counts = { created: 0, unchanged: 0, left: 0 };
  const refused: Followed['refused'][number][] = [];
  for (let seq = again ? 0 : followed; seq < head.size; seq += 1) {
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
    } else if (result !== undefined) counts[result === 'left' ? result : result.outcome] += 1;
    await query
      .updateTable('mirrors')
      .set({ followed: seq + 1 })
      .where('verifier', '=', verifier)
      .execute();
  }
  return { size: head.size, ...counts, refused };
}
