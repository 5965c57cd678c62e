// A part whose bytes lie in the vault already, as chunks of an unfinished write: beside them only their hashes are kept.
import { appendFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hashBytes, zeroHash } from '../vault/manifest.ts';
import { chunkBytes } from '../vault/stored-disk.ts';
import { type Vault } from '../vault/vault.ts';
import { type WriteSession } from '../vault/write-session.ts';
import { notePart, readPartState, removePartFiles, type Part } from './part.ts';
import { LocationFailure } from './reasons.ts';

export interface PartInVault {
  readonly session: WriteSession;
  readonly part: Part;
  /** To be told the hash of each whole chunk, in order, from the first. */
  readonly taken: (sha256: Buffer) => Promise<void>;
}

/** Chunks that are read ahead of the one that is wanted. */
const readsAhead = 4;
/** Hashes are written down when there are so many of them: well before the pack of their chunks is. */
const hashesHeld = 16;
const zeros = Buffer.alloc(chunkBytes);

/** Hashes of the chunks from the start of the disk that the writer can go on from. */
async function keptHashes(path: string, session: WriteSession): Promise<Buffer[]> {
  const noted = await readFile(path).catch(() => Buffer.alloc(0));
  const kept: Buffer[] = [];
  for (let at = 0; at + hashBytes <= noted.length; at += hashBytes) {
    const sha256 = noted.subarray(at, at + hashBytes);
    if (!sha256.equals(zeroHash) && !session.has(sha256)) break;
    kept.push(sha256);
  }
  return kept;
}

/** Goes on with the unfinished write that is noted there of the location, or begins another. */
export async function openPartInVault(path: string, location: string, vault: Vault): Promise<PartInVault> {
  const state = await readPartState(path);
  const noted = state?.location === location ? state : undefined;
  const resumed = noted?.writer === undefined ? undefined : await vault.resumeWrite(noted.writer);
  const earlier = resumed === undefined ? undefined : noted;
  if (resumed === undefined) await removePart(path, vault);
  const session = resumed ?? (await vault.beginWrite());
  try {
    const { writer } = session;
    const hashes = resumed === undefined ? [] : await keptHashes(path, session);
    await writeFile(path, Buffer.concat(hashes));
    if (earlier === undefined) await notePart(path, { location, writer });

    let passed = 0;
    let held: Buffer[] = [];
    const write = async (): Promise<void> => {
      const batch = Buffer.concat(held);
      held = [];
      // What cannot be written down is fetched again.
      await appendFile(path, batch).catch(() => undefined);
    };
    const readChunk = async (sha256: Buffer): Promise<Buffer> => {
      if (sha256.equals(zeroHash)) return zeros;
      return vault.reader.read(sha256).catch((error: unknown) => {
        throw new LocationFailure('changed', 'what was fetched of it was lost meanwhile', error);
      });
    };
    let bytes = hashes.length * chunkBytes;
    const part: Part = {
      earlier,
      get bytes() {
        return bytes;
      },
      async *read() {
        const ahead: Promise<Buffer>[] = [];
        let next = 0;
        for (const _ of hashes) {
          for (; next < hashes.length && ahead.length < readsAhead; next += 1) {
            const reading = readChunk(hashes[next] ?? zeroHash);
            reading.catch(() => undefined);
            ahead.push(reading);
          }
          yield (await ahead.shift()) ?? zeros;
        }
      },
      append: (piece) => {
        bytes += piece.length;
        return Promise.resolve();
      },
      // The vault has it in hand.
      end: () => Promise.resolve(),
      note: (learnt) => notePart(path, { ...learnt, writer }),
      close: write,
    };
    return {
      session,
      part,
      async taken(sha256) {
        passed += 1;
        if (passed <= hashes.length) return;
        held.push(sha256);
        if (held.length >= hashesHeld) await write();
      },
    };
  } catch (error) {
    await session.abort();
    throw error;
  }
}

/** Removes the part, and what lies of it in the vault. */
export async function removePart(path: string, vault: Vault): Promise<void> {
  const state = await readPartState(path);
  if (state?.writer !== undefined) await (await vault.resumeWrite(state.writer))?.abort();
  await removePartFiles(path);
}

/** The writers whose unfinished writes the parts in this folder name. */
export async function suspendedWriters(workDir: string): Promise<ReadonlySet<string>> {
  const names = await readdir(workDir).catch(() => []);
  const paths = names.filter((name) => name.endsWith('.part.json')).map((name) => join(workDir, name.slice(0, -5)));
  const states = await Promise.all(paths.map((path) => readPartState(path)));
  return new Set(states.flatMap((state) => state?.writer ?? []));
}
