// The log of decisions as the rest of the server sees it: checkpoint, tiles, proofs, and what was decided.
import { type Database } from '../../db/database.ts';
import { Fault } from '../../errors/fault.ts';
import { readState } from '../state.ts';
import { readNode, type Decision } from './append.ts';
import { writeCheckpoint } from './checkpoint.ts';
import { consistencyProof, inclusionProof, rootHash, type ReadNode } from './merkle.ts';
import { verifierOf, writeVerifier, type NoteSigner } from './note.ts';
import { hashesAt, readTilePath, tileHeight, tileWidth, writeBundle } from './tile.ts';

export interface LogEntry {
  /** Index of the leaf, from 0. */
  readonly seq: number;
  readonly decision: Decision;
}

export interface AuditEntry extends LogEntry {
  /** Who sent the document. */
  readonly address?: string;
  /** What only the site itself may see of the decision. */
  readonly detail?: unknown;
}

export interface InclusionProof {
  readonly seq: number;
  readonly size: number;
  /** Base64, as in all of these. */
  readonly leaf: string;
  readonly root: string;
  readonly path: readonly string[];
}

export interface ConsistencyProof {
  readonly from: { readonly size: number; readonly root: string };
  readonly to: { readonly size: number; readonly root: string };
  readonly path: readonly string[];
}

export interface RegistryLog {
  /** `name+hash+key`: what clients keep to check this log's signatures. */
  readonly verifier: string;
  /** The newest checkpoint: a signed note with the log's size and root. */
  checkpoint(): Promise<string>;
  /** The bytes at a path such as `tile/0/000` or `tile/entries/x001/234.p/7`; undefined where the log has none yet. */
  tile(path: string): Promise<Buffer | undefined>;
  /** That leaf `seq` is in the log of `size` leaves (the newest, where left out). Throws `registry.log-range`. */
  inclusion(seq: number, size?: number): Promise<InclusionProof>;
  /** That the log of `size` leaves begins with that of `from` leaves. Throws `registry.log-range`. */
  consistency(from: number, size?: number): Promise<ConsistencyProof>;
  /** Decisions, newest first, from before `before`. */
  newest(limit: number, before?: number): Promise<readonly LogEntry[]>;
  /** The same with what is not public, for the site's operators. */
  audit(limit: number, before?: number): Promise<readonly AuditEntry[]>;
}

const base64 = (bytes: Buffer): string => bytes.toString('base64');

async function leavesBetween({ query }: Database, first: number, count: number): Promise<readonly Buffer[]> {
  const rows = await query
    .selectFrom('log_leaves')
    .select('leaf')
    .where('seq', '>=', first)
    .where('seq', '<', first + count)
    .orderBy('seq')
    .execute();
  return rows.map(({ leaf }) => leaf);
}

async function tile(db: Database, path: string): Promise<Buffer | undefined> {
  const name = readTilePath(path);
  if (name === undefined) return undefined;
  const { level, index, width } = name;
  const { logSize } = await readState(db.query);
  const first = index * tileWidth;
  const available = level === 'entries' ? logSize : hashesAt(level, logSize);
  if (first + width > available) return undefined;
  if (level === 'entries') return writeBundle(await leavesBetween(db, first, width));
  const rows = await db.query
    .selectFrom('log_nodes')
    .select('hash')
    .where('height', '=', level * tileHeight)
    .where('position', '>=', first)
    .where('position', '<', first + width)
    .orderBy('position')
    .execute();
  return rows.length === width ? Buffer.concat(rows.map(({ hash }) => hash)) : undefined;
}

function inRange(what: string, number: number, least: number, most: number): void {
  if (Number.isSafeInteger(number) && number >= least && number <= most) return;
  throw new Fault('registry.log-range', `${what} ${number} is not in the log, which has ${most} decisions`);
}

async function audit({ query }: Database, limit: number, before?: number): Promise<readonly AuditEntry[]> {
  const rows = await query
    .selectFrom('log_leaves')
    .selectAll()
    .where('seq', '<', before ?? Number.MAX_SAFE_INTEGER)
    .orderBy('seq', 'desc')
    .limit(Math.min(limit, 1000))
    .execute();
  return rows.map(({ seq, leaf, address, detail }) => {
    const decision = JSON.parse(leaf.toString()) as Decision;
    const from = address === null ? {} : { address };
    return Object.assign({ seq, decision }, from, detail === null ? {} : { detail: JSON.parse(detail) as unknown });
  });
}

export function openLog(db: Database, signer: NoteSigner): RegistryLog {
  const read: ReadNode = (height, position) => readNode(db.query, height, position);
  const sizeNow = async (): Promise<number> => (await readState(db.query)).logSize;
  return {
    verifier: writeVerifier(verifierOf(signer)),
    checkpoint: async () => {
      const size = await sizeNow();
      return writeCheckpoint({ size, root: await rootHash(read, size) }, signer);
    },
    tile: (path) => tile(db, path),
    inclusion: async (seq, asked) => {
      const newest = await sizeNow();
      const size = asked ?? newest;
      inRange('Size', size, 1, newest);
      inRange('Decision', seq, 0, size - 1);
      const [leaf = Buffer.alloc(0)] = await leavesBetween(db, seq, 1);
      const path = await inclusionProof(read, seq, size);
      return { seq, size, leaf: base64(leaf), root: base64(await rootHash(read, size)), path: path.map(base64) };
    },
    consistency: async (from, asked) => {
      const newest = await sizeNow();
      const size = asked ?? newest;
      inRange('Size', size, 1, newest);
      inRange('Size', from, 1, size);
      const path = await consistencyProof(read, from, size);
      return {
        from: { size: from, root: base64(await rootHash(read, from)) },
        to: { size, root: base64(await rootHash(read, size)) },
        path: path.map(base64),
      };
    },
    newest: async (limit, before) => (await audit(db, limit, before)).map(({ seq, decision }) => ({ seq, decision })),
    audit: (limit, before) => audit(db, limit, before),
  };
}
