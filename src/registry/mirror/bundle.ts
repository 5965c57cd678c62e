// A registry in one file: checkpoint, every decision, every accepted document. One JSON value a line; docs/log.md.
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { type Database } from '../../db/database.ts';
import { Fault } from '../../errors/fault.ts';
import { trustMaterialSchema, type TrustMaterial } from '../../trust/material.ts';
import { type RegistryLog } from '../log/log.ts';
import { readCheckpoint } from '../log/checkpoint.ts';
import { readVerifier } from '../log/note.ts';
import { acceptedIn } from './leaf.ts';
import { type LogSource } from './source.ts';

const headSchema = z.object({
  bundle: z.literal(1),
  verifier: z.string(),
  checkpoint: z.string(),
  trust: trustMaterialSchema.optional(),
});
const lineSchema = z.object({ leaf: z.base64(), document: z.base64().optional() });

/** Decisions that are read from the database at a time. */
const batch = 200;

/** The lines of a bundle of everything up to the newest checkpoint. Revoked or not: what was accepted is in it. */
export async function* exportBundle(
  db: Database,
  log: RegistryLog,
  trust: TrustMaterial | undefined,
): AsyncGenerator<string> {
  const { verifier } = log;
  const checkpoint = await log.checkpoint();
  const key = readVerifier(verifier);
  const size = key === undefined ? 0 : (readCheckpoint(checkpoint, key)?.size ?? 0);
  yield `${JSON.stringify({ bundle: 1, verifier, checkpoint, trust })}\n`;
  for (let first = 0; first < size; first += batch) {
    const rows = await db.query
      .selectFrom('log_leaves as l')
      .leftJoin('documents as d', 'd.id', 'l.seq')
      .select(['l.leaf', 'd.bytes'])
      .where('l.seq', '>=', first)
      .where('l.seq', '<', Math.min(first + batch, size))
      .orderBy('l.seq')
      .execute();
    for (const { leaf, bytes } of rows) {
      const document = bytes === null ? {} : { document: bytes.toString('base64') };
      yield `${JSON.stringify({ leaf: leaf.toString('base64'), ...document })}\n`;
    }
  }
}

/** Such a bundle of another registry, from what its server gives. It is not checked here: follow what was written. */
export async function* copyBundle(source: LogSource, verifier: string): AsyncGenerator<string> {
  const key = readVerifier(verifier);
  const checkpoint = await source.checkpoint();
  const head = key === undefined ? undefined : readCheckpoint(checkpoint, key);
  if (head === undefined)
    throw new Fault('registry.mirror-forged', 'The checkpoint is not signed by the key of the log');
  yield `${JSON.stringify({ bundle: 1, verifier, checkpoint, trust: await source.trust() })}\n`;
  let seq = 0;
  for await (const leaf of source.leaves(0, head.size)) {
    const accepted = acceptedIn(leaf, seq);
    const bytes = accepted === undefined ? undefined : await source.document(accepted.key, accepted.sha256);
    const document = bytes === undefined ? {} : { document: bytes.toString('base64') };
    yield `${JSON.stringify({ leaf: leaf.toString('base64'), ...document })}\n`;
    seq += 1;
  }
}

const rightFile = { action: 'Name a file that "mintmark registry export" wrote, as it was written.' };

function parseLine<Value>(schema: z.ZodType<Value>, line: string, number: number): Value {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    value = undefined;
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new Fault('registry.mirror-forged', `Line ${number} of the bundle cannot be read`, number > 1 ? {} : rightFile);
}

export interface Bundle {
  /** Who the bundle says it is from. Whether that is whom you trust is for you to know. */
  readonly verifier: string;
  readonly source: LogSource;
  /** What the registry checked signers with, as the bundle says: no part of what the log proves. */
  readonly trust?: TrustMaterial;
}

async function* linesOf(file: string): AsyncGenerator<readonly [line: string, number: number]> {
  let number = 0;
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
    number += 1;
    if (line !== '') yield [line, number];
  }
}

/** Opens a bundle as a source to follow. Documents are taken as they come by: it is read twice from front to end. */
export async function openBundle(file: string): Promise<Bundle> {
  const lines = linesOf(file);
  const first = await lines.next();
  await lines.return(undefined);
  if (first.done === true) throw new Fault('registry.mirror-forged', 'The bundle is empty', rightFile);
  const { verifier, checkpoint, trust } = parseLine(headSchema, first.value[0], 1);
  const rows = async function* () {
    for await (const [line, number] of linesOf(file)) if (number > 1) yield parseLine(lineSchema, line, number);
  };
  let documents: AsyncGenerator<z.output<typeof lineSchema>> | undefined;
  const source: LogSource = {
    checkpoint: () => Promise.resolve(checkpoint),
    trust: () => Promise.resolve(trust),
    async *leaves(from, end) {
      let seq = 0;
      for await (const { leaf } of rows()) {
        if (seq >= end) return;
        if (seq >= from) yield Buffer.from(leaf, 'base64');
        seq += 1;
      }
    },
    // They are asked for in the order of the log.
    document: async (_, sha256) => {
      documents ??= rows();
      for (let next = await documents.next(); next.done !== true; next = await documents.next()) {
        const { leaf, document } = next.value;
        if (document !== undefined && Buffer.from(leaf, 'base64').includes(sha256))
          return Buffer.from(document, 'base64');
      }
      return undefined;
    },
  };
  return { verifier, source, ...(trust === undefined ? {} : { trust }) };
}
