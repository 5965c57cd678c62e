// Where a list goes on: the last entry of a page, and up to which entry the registry is looked at.
import { z } from 'zod';
import { Fault } from '../errors/fault.ts';
import { type SortOrder } from './query.ts';

export interface Cursor {
  readonly sort: SortOrder;
  /** What the last entry of the page was sorted by, and its id. */
  readonly after: { readonly value: string; readonly id: number };
  /** Size of the log when the first page was read: what came later belongs to no page of this list. */
  readonly asOf: number;
}

const cursorSchema = z.tuple([
  z.enum(['-created', 'created', 'title', '-title']),
  z.string().max(300),
  z.number().int().min(0),
  z.number().int().min(0),
]);

export function writeCursor({ sort, after, asOf }: Cursor): string {
  return Buffer.from(JSON.stringify([sort, after.value, after.id, asOf])).toString('base64url');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}

/** Throws `registry.cursor` where it is none of ours, or belongs to another order. */
export function readCursor(text: string, sort: SortOrder): Cursor {
  const parsed = cursorSchema.safeParse(parse(text));
  if (!parsed.success || parsed.data[0] !== sort || parsed.data[1].includes('\0')) {
    throw new Fault('registry.cursor', 'The cursor is not one of this list');
  }
  const [, value, id, asOf] = parsed.data;
  return { sort, after: { value, id }, asOf };
}
