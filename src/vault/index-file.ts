// The indexes of packs that this node has read once, in a file of its own: so that opening a large vault does not read them all again.
import { createHash } from 'node:crypto';
import { open, readFile, rename, writeFile } from 'node:fs/promises';
import { layout, octets, text, u32, u53 } from './layout.ts';
import { packEntry } from './pack.ts';

export const indexFileHeader = layout({ magic: text(8), version: u32, reserved: u32 });

/** Followed by the entries of the pack's index, as they are in the pack. */
export const indexFileRecord = layout({
  packId: octets(16),
  /** Length of the pack in bytes. */
  packBytes: u53,
  entries: u32,
  reserved: u32,
  /** SHA-256 of this record up to here, and of the entries. */
  sha256: octets(32),
});

const header = indexFileHeader.encode({ magic: 'MMINDEX\n', version: 1, reserved: 0 });
const sealedBytes = indexFileRecord.bytes - 32;
const maxEntries = 1 << 20;

interface KnownPack {
  readonly bytes: number;
  readonly index: Buffer;
}

export interface IndexFile {
  /** The index of a pack of this name and length; packs never change, and names are never used again. */
  find(name: string, bytes: number): Buffer | undefined;
  /** To be written with the next {@link save}. */
  add(name: string, bytes: number, index: Buffer): void;
  /** Writes what was added, and forgets packs other than those named. A file that cannot be written is done without. */
  save(present: ReadonlySet<string>): Promise<void>;
}

const checksum = (record: Buffer, index: Buffer): Buffer =>
  createHash('sha256').update(record.subarray(0, sealedBytes)).update(index).digest();

export function encodeIndexRecord(name: string, { bytes, index }: KnownPack): Buffer {
  const fields = {
    packId: Buffer.from(name, 'hex'),
    packBytes: bytes,
    entries: index.length / packEntry.bytes,
    reserved: 0,
  };
  const draft = indexFileRecord.encode({ ...fields, sha256: Buffer.alloc(32) });
  return Buffer.concat([indexFileRecord.encode({ ...fields, sha256: checksum(draft, index) }), index]);
}

/** The sound records from the front on; what follows the first that is not is read from the vault again. */
export function decodeIndexFile(file: Buffer): { readonly packs: Map<string, KnownPack>; readonly soundBytes: number } {
  const packs = new Map<string, KnownPack>();
  if (!file.subarray(0, header.length).equals(header)) return { packs, soundBytes: 0 };
  let at = header.length;
  while (at + indexFileRecord.bytes <= file.length) {
    const { packId, packBytes, entries, sha256 } = indexFileRecord.decode(file, at);
    const start = at + indexFileRecord.bytes;
    const end = start + entries * packEntry.bytes;
    if (entries > maxEntries || end > file.length) break;
    const index = file.subarray(start, end);
    if (!checksum(file.subarray(at, start), index).equals(sha256)) break;
    packs.set(packId.toString('hex'), { bytes: packBytes, index });
    at = end;
  }
  return { packs, soundBytes: at };
}

/** A file that is not there, or is damaged, is begun anew. */
export async function openIndexFile(path: string): Promise<IndexFile> {
  const { packs, soundBytes } = decodeIndexFile(await readFile(path).catch(() => Buffer.alloc(0)));
  let fresh: string[] = [];
  // What lies in the file: its length, and how many of its records are of packs that are no more.
  let bytes = soundBytes;
  let records = packs.size;

  async function rewrite(): Promise<void> {
    const draft = `${path}.new`;
    const parts = [header, ...Array.from(packs, ([name, pack]) => encodeIndexRecord(name, pack))];
    await writeFile(draft, parts);
    await rename(draft, path);
    bytes = parts.reduce((sum, part) => sum + part.length, 0);
    records = packs.size;
  }

  async function append(): Promise<void> {
    const handle = await open(path, 'r+');
    try {
      // What a power cut or a kill left behind the sound records is cut off first.
      await handle.truncate(bytes);
      for (const name of fresh) {
        const pack = packs.get(name);
        if (pack === undefined) continue;
        const record = encodeIndexRecord(name, pack);
        await handle.write(record, 0, record.length, bytes);
        bytes += record.length;
        records += 1;
      }
    } finally {
      await handle.close();
    }
  }

  return {
    find(name, packBytes) {
      const known = packs.get(name);
      return known?.bytes === packBytes ? known.index : undefined;
    },
    add(name, packBytes, index) {
      packs.set(name, { bytes: packBytes, index });
      fresh.push(name);
    },
    async save(present) {
      for (const name of packs.keys()) if (!present.has(name)) packs.delete(name);
      const worthIt = bytes === 0 || records > 2 * packs.size + 16;
      try {
        if (worthIt) await rewrite();
        else if (fresh.length > 0) await append();
        fresh = [];
      } catch {
        // It saves time and nothing else: the vault is opened without it.
      }
    },
  };
}
