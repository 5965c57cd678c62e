// A part whose bytes lie in a file as they came: of downloads that become a disk only once they are whole.
import { open, writeFile } from 'node:fs/promises';
import { notePart, readPartState, removePartFiles, type Part } from './part.ts';

const pieceBytes = 1024 * 1024;
/** What came is written in pieces of at least so many bytes. */
const heldMost = 256 * 1024;

/** Goes on with what lies there of the location, or begins anew. What came last is in memory, up to 256 KiB, until the part ends or is closed. */
export async function openPartFile(path: string, location: string): Promise<Part> {
  const state = await readPartState(path);
  const earlier = state?.location === location ? state : undefined;
  if (earlier === undefined) {
    await removePartFiles(path);
    await writeFile(path, '');
    await notePart(path, { location });
  }
  const handle = await open(path, 'a+');
  let written = (await handle.stat()).size;
  let held: Buffer[] = [];
  let heldBytes = 0;

  async function flush(): Promise<void> {
    const pieces = held;
    held = [];
    for (const piece of heldBytes === 0 ? [] : [Buffer.concat(pieces)]) {
      for (let done = 0; done < piece.length;) {
        done += (await handle.write(piece, done, piece.length - done, null)).bytesWritten;
      }
    }
    written += heldBytes;
    heldBytes = 0;
  }

  return {
    earlier,
    get bytes() {
      return written + heldBytes;
    },
    async *read() {
      const end = written;
      for (let at = 0; at < end;) {
        const piece = Buffer.allocUnsafe(Math.min(pieceBytes, end - at));
        const { bytesRead } = await handle.read(piece, 0, piece.length, at);
        if (bytesRead === 0) throw new Error(`${path} became shorter while it was read`);
        at += bytesRead;
        yield piece.subarray(0, bytesRead);
      }
    },
    async append(piece) {
      held.push(piece);
      heldBytes += piece.length;
      if (heldBytes >= heldMost) await flush();
    },
    end: flush,
    note: (learnt) => notePart(path, learnt),
    async close() {
      // What does not fit any more is fetched again.
      await flush().catch(() => undefined);
      await handle.close();
    },
  };
}
