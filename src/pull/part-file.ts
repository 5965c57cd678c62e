// What was fetched so far of one image, on disk: so that a broken pull, or a restarted server, goes on where it was.
import { open, readFile, rm, writeFile } from 'node:fs/promises';
import { z } from 'zod';

const stateSchema = z.object({
  /** The location that the bytes are from. */
  location: z.string(),
  validator: z.object({ value: z.string() }).optional(),
  total: z.number().optional(),
});
export type PartState = z.output<typeof stateSchema>;

export interface PartFile {
  readonly bytes: number;
  /** Its bytes from the start, in pieces. */
  read(): AsyncGenerator<Buffer>;
  append(piece: Buffer): Promise<void>;
  close(): Promise<void>;
}

const pieceBytes = 1024 * 1024;

/** The two files of a part. */
const partPaths = (path: string): readonly [string, string] => [path, `${path}.json`];

export async function removePart(path: string): Promise<void> {
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

/** Begins anew, with nothing in it. */
export async function startPart(path: string, state: PartState): Promise<void> {
  await removePart(path);
  await writeFile(path, '');
  await writeFile(partPaths(path)[1], JSON.stringify(state));
}

/** Notes what was learnt of the file since. */
export async function notePart(path: string, state: PartState): Promise<void> {
  await writeFile(partPaths(path)[1], JSON.stringify(state));
}

export async function openPart(path: string): Promise<PartFile> {
  const handle = await open(path, 'a+');
  let { size } = await handle.stat();
  return {
    get bytes() {
      return size;
    },
    async *read() {
      const end = size;
      for (let at = 0; at < end;) {
        const piece = Buffer.allocUnsafe(Math.min(pieceBytes, end - at));
        const { bytesRead } = await handle.read(piece, 0, piece.length, at);
        if (bytesRead === 0) throw new Error(`${path} became shorter while it was read`);
        at += bytesRead;
        yield piece.subarray(0, bytesRead);
      }
    },
    async append(piece) {
      for (let done = 0; done < piece.length;) {
        done += (await handle.write(piece, done, piece.length - done, null)).bytesWritten;
      }
      size += piece.length;
    },
    close: () => handle.close(),
  };
}
