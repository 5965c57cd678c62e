// What was fetched so far of one location, so that a broken pull, or a restarted server, goes on where it was.
import { readFile, rm, writeFile } from 'node:fs/promises';
import { z } from 'zod';

const stateSchema = z.object({
  /** The location that the bytes are from. */
  location: z.string(),
  validator: z.object({ value: z.string() }).optional(),
  total: z.number().optional(),
  /** Who wrote the bytes into the vault, where they are kept there. */
  writer: z.string().optional(),
});
export type PartState = z.output<typeof stateSchema>;

export interface Part {
  /** What was learnt of the file at an earlier time; undefined: it begins anew. */
  readonly earlier: PartState | undefined;
  /** Bytes from the start of the file that need not be fetched again, and those that were appended. */
  readonly bytes: number;
  /** The bytes of the earlier time, from the start, in pieces. To be called before anything is appended. */
  read(): AsyncGenerator<Buffer>;
  append(piece: Buffer): Promise<void>;
  /** Nothing more comes: what is in hand is put where a kill does not reach it. */
  end(): Promise<void>;
  /** Notes what was learnt of the file since. */
  note(state: PartState): Promise<void>;
  close(): Promise<void>;
}

/** The two files of a part: what was fetched, or where that is; and what is known of it. */
const partPaths = (path: string): readonly [string, string] => [path, `${path}.json`];

/** Removes the files; what lies in the vault is left to its writer. */
export async function removePartFiles(path: string): Promise<void> {
  for (const file of partPaths(path)) await rm(file, { force: true });
}

/** What a part that lies there is of; undefined where there is none, or none that can be told. */
export async function readPartState(path: string): Promise<PartState | undefined> {
  try {
    const parsed = stateSchema.safeParse(JSON.parse(await readFile(partPaths(path)[1], 'utf8')));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

export async function notePart(path: string, state: PartState): Promise<void> {
  await writeFile(partPaths(path)[1], JSON.stringify(state));
}
