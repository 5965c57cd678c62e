// A pack: many chunks in one object of about 16 MiB, with its index and a checksummed trailer at the end.
import { createHash } from 'node:crypto';
import { Fault } from '../errors/fault.ts';
import { layout, octets, text, u16, u32, u8 } from './layout.ts';

/** A pack is closed when its chunks come to this many bytes. */
export const packTargetBytes = 16 * 1024 * 1024;

/** What a chunk is part of; it lets the vault be surveyed from its packs alone. */
export const chunkKinds = { data: 0, leaf: 1, root: 2 } as const;
export type ChunkKind = (typeof chunkKinds)[keyof typeof chunkKinds];

/** How a chunk's bytes are stored. */
export const encodings = { plain: 0, deflate: 1 } as const;

export const packHeader = layout({ magic: text(8), version: u32, reserved: u32 });

export const packEntry = layout({
  /** SHA-256 of the chunk as it is outside the vault. */
  sha256: octets(32),
  /** Of the stored bytes, from the start of the pack. */
  offset: u32,
  storedBytes: u32,
  /** Length of the chunk outside the vault. */
  plainBytes: u32,
  kind: u8,
  encoding: u8,
  reserved: u16,
});

export const packTrailer = layout({
  magic: text(4),
  version: u32,
  entries: u32,
  /** Of the first index entry, from the start of the pack; the chunks end here. */
  indexOffset: u32,
  packId: octets(16),
  /** SHA-256 of all index entries, followed by the trailer up to this field. */
  sha256: octets(32),
});

const headerMagic = 'MMPACK\r\n';
const trailerMagic = 'MPKE';
const version = 1;
const maxEntries = 1 << 20;
const sealedTrailerBytes = packTrailer.bytes - 32;

export interface PackChunk {
  readonly sha256: Buffer;
  readonly kind: ChunkKind;
  readonly encoding: number;
  readonly plainBytes: number;
  readonly stored: Buffer;
}

/** The parts of a pack, to be written one after another, and its index (entries of {@link packEntry}). */
export function encodePack(
  packId: Buffer,
  chunks: readonly PackChunk[],
): { readonly parts: readonly Buffer[]; readonly index: Buffer } {
  const header = packHeader.encode({ magic: headerMagic, version, reserved: 0 });
  let offset = header.length;
  const entries = chunks.map(({ sha256, kind, encoding, plainBytes, stored }) => {
    const entry = { sha256, offset, storedBytes: stored.length, plainBytes, kind, encoding, reserved: 0 };
    offset += stored.length;
    return packEntry.encode(entry);
  });
  const index = Buffer.concat(entries);
  const fields = { magic: trailerMagic, version, entries: chunks.length, indexOffset: offset, packId };
  const draft = packTrailer.encode({ ...fields, sha256: Buffer.alloc(32) });
  const sha256 = indexChecksum(index, draft);
  return {
    parts: [header, ...chunks.map((chunk) => chunk.stored), index, packTrailer.encode({ ...fields, sha256 })],
    index,
  };
}

function indexChecksum(index: Buffer, trailer: Buffer): Buffer {
  return createHash('sha256').update(index).update(trailer.subarray(0, sealedTrailerBytes)).digest();
}

export interface PackTrailer {
  readonly packId: Buffer;
  readonly entries: number;
  /** Where the index begins in the pack, and how long it is, in bytes. */
  readonly indexOffset: number;
  readonly indexBytes: number;
}

function damaged(name: string, why: string): Fault {
  return new Fault('vault.bad-format', `The pack ${name} cannot be read: ${why}.`, { details: { pack: name } });
}

/**
 * Reads the trailer at the end of `tail`, the last bytes of a pack of `packBytes`. It is proven only together with the
 * index, by {@link checkPackIndex}. Throws `vault.bad-format`.
 */
export function decodePackTrailer(tail: Buffer, packBytes: number, name: string): PackTrailer {
  if (tail.length < packTrailer.bytes || packBytes < packHeader.bytes + packTrailer.bytes)
    throw damaged(name, 'it is too short');
  const trailer = packTrailer.decode(tail, tail.length - packTrailer.bytes);
  if (trailer.magic !== trailerMagic) throw damaged(name, 'it does not end as a pack does');
  if (trailer.version !== version)
    throw damaged(name, `its version is ${trailer.version}, and ${version} is known here`);
  const indexBytes = trailer.entries * packEntry.bytes;
  if (trailer.entries > maxEntries || trailer.indexOffset + indexBytes + packTrailer.bytes !== packBytes) {
    throw damaged(name, 'the trailer does not fit its length');
  }
  return { packId: trailer.packId, entries: trailer.entries, indexOffset: trailer.indexOffset, indexBytes };
}

/** Proves the index, and the trailer that ends `tail`, by their checksum; and that no entry points outside the chunks. */
export function checkPackIndex(index: Buffer, tail: Buffer, name: string): void {
  const trailerBytes = tail.subarray(tail.length - packTrailer.bytes);
  const { sha256, entries, indexOffset } = packTrailer.decode(trailerBytes);
  if (index.length !== entries * packEntry.bytes || !indexChecksum(index, trailerBytes).equals(sha256)) {
    throw damaged(name, 'its index does not match its checksum');
  }
  for (let at = 0; at < index.length; at += packEntry.bytes) {
    const entry = packEntry.decode(index, at);
    if (entry.offset < packHeader.bytes || entry.offset + entry.storedBytes > indexOffset) {
      throw damaged(name, 'an entry of its index lies outside');
    }
  }
}
