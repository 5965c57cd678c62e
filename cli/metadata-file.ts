// Reading documents from files or standard input, no more of them than a document may have, and writing them.
import { open, rename, rm, writeFile } from 'node:fs/promises';
import { documentLimits } from '../src/xml/limits.ts';
import { type CliContext } from './context.ts';
import { fileFault } from './files.ts';

const whichFile = 'Name a metadata document; "mintmark metadata build" writes one.';

/** The bytes of a document, '-' being standard input; one byte more than is allowed where it has more. */
export async function readDocument(context: CliContext, path: string): Promise<Uint8Array> {
  const most = documentLimits.bytes + 1;
  if (path === '-') {
    const pieces: Buffer[] = [];
    let bytes = 0;
    for await (const piece of context.stdin) {
      const buffer = Buffer.from(piece as Uint8Array);
      pieces.push(buffer);
      bytes += buffer.byteLength;
      if (bytes >= most) break;
    }
    return Buffer.concat(pieces).subarray(0, most);
  }
  let file;
  try {
    file = await open(path);
  } catch (error) {
    throw fileFault('read', path, error, whichFile);
  }
  try {
    const into = Buffer.alloc(most);
    let filled = 0;
    for (;;) {
      const { bytesRead } = await file.read(into, filled, most - filled, null);
      filled += bytesRead;
      if (bytesRead === 0 || filled === most) return into.subarray(0, filled);
    }
  } catch (error) {
    throw fileFault('read', path, error, whichFile);
  } finally {
    await file.close();
  }
}

/** Writes a document where it is asked for: a file, replaced whole or not at all, or standard output. */
export async function writeDocument(context: CliContext, path: string | undefined, text: string): Promise<void> {
  if (path === undefined || path === '-') {
    context.stdout.write(text);
    return;
  }
  const draft = `${path}.${process.pid}.tmp`;
  try {
    await writeFile(draft, text, { flag: 'wx' });
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw fileFault('written', path, error, 'Name a file in a folder that is there, and where you may write.');
  }
}
