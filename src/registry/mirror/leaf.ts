// What a leaf of another log says was accepted.
import { z } from 'zod';
import { Fault } from '../../errors/fault.ts';
import { type EntryKey } from '../entry.ts';
import { publishingDecisions } from '../log/append.ts';

const publishing: ReadonlySet<string> = new Set(publishingDecisions);

const leafSchema = z.object({
  v: z.literal(1),
  decision: z.string(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/u),
  identifier: z.string().optional(),
  email: z.string().optional(),
  created: z.string().optional(),
});

function parsed(leaf: Buffer): z.output<typeof leafSchema> | undefined {
  try {
    return leafSchema.parse(JSON.parse(leaf.toString()));
  } catch {
    return undefined;
  }
}

export interface AcceptedLeaf {
  readonly key: EntryKey;
  /** Of the document, hex. */
  readonly sha256: string;
}

/** The document that decision `seq` accepted; undefined for one that publishes none. Throws `registry.mirror-forged`. */
export function acceptedIn(leaf: Buffer, seq: number): AcceptedLeaf | undefined {
  const said = parsed(leaf);
  if (said === undefined) {
    throw new Fault('registry.mirror-forged', `Decision ${seq} of the other log cannot be read`);
  }
  const { decision, sha256, identifier, email, created } = said;
  if (!publishing.has(decision)) return undefined;
  if (identifier === undefined || email === undefined || created === undefined) {
    throw new Fault('registry.mirror-forged', `Decision ${seq} of the other log publishes an entry without a key`);
  }
  return { key: { identifier, email, created }, sha256 };
}
