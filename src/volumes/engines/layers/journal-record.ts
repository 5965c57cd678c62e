// The layout of a head's journal: a header, then records of 64 bytes, each with its own checksum.
import { crc32 } from 'node:zlib';
import { u32, u48, u8 } from '../../layout.ts';

export const journalHeaderBytes = 64;
export const recordBytes = 64;
/** Blocks that one MAP record can name: it carries a checksum for each. */
export const mapBlocks = 8;

const magic = 0x4c4a4d4d; // "MMJL"
const formatVersion = 1;

/** docs/volume-format.md, "Journal header". */
const header = {
  magic: u32(0),
  version: u32(4),
  /** Number of this journal in its head, rising by one with every checkpoint. */
  generation: u48(8),
  /** Sequence number of the first record. */
  firstSequence: u48(16),
  /** Random number of the head, so that no record of another head is ever taken for one of this. */
  salt: u48(24),
  /** CRC-32 of bytes 0 to 59; the seed of every record's checksum. */
  check: u32(60),
} as const;

/** docs/volume-format.md, "Journal record". */
const record = {
  kind: u8(0),
  /** Blocks in the run. */
  count: u32(4),
  sequence: u48(8),
  /** First block of the run; for FLUSH the sequence number up to which records are covered. */
  block: u48(16),
  /** CRC-32 of each block of a MAP, in order. */
  blockChecks: [u32(24), u32(28), u32(32), u32(36), u32(40), u32(44), u32(48), u32(52)],
  /** CRC-32 of bytes 0 to 59, seeded with the header's. */
  check: u32(60),
} as const;

export const recordKind = { map: 1, zero: 2, inherit: 3, flush: 4, seal: 5, checkpoint: 6 } as const;
export type RecordKind = (typeof recordKind)[keyof typeof recordKind];

export interface JournalHeader {
  readonly generation: number;
  readonly firstSequence: number;
  readonly salt: number;
  /** Seed of the records' checksums. */
  readonly seed: number;
}

export interface JournalRecord {
  readonly kind: RecordKind;
  readonly sequence: number;
  readonly block: number;
  readonly count: number;
  /** One CRC-32 per block; empty but for MAP. */
  readonly blockChecks: readonly number[];
}

const kinds: ReadonlySet<number> = new Set(Object.values(recordKind));

function isRecordKind(kind: number): kind is RecordKind {
  return kinds.has(kind);
}

export function encodeJournalHeader(values: Omit<JournalHeader, 'seed'>): { bytes: Buffer; seed: number } {
  const bytes = Buffer.alloc(journalHeaderBytes);
  header.magic.set(bytes, 0, magic);
  header.version.set(bytes, 0, formatVersion);
  header.generation.set(bytes, 0, values.generation);
  header.firstSequence.set(bytes, 0, values.firstSequence);
  header.salt.set(bytes, 0, values.salt);
  const seed = crc32(bytes.subarray(0, header.check.at));
  header.check.set(bytes, 0, seed);
  return { bytes, seed };
}

/** The header, or `undefined` where the bytes are none of this version. */
export function decodeJournalHeader(bytes: Buffer): JournalHeader | undefined {
  if (bytes.length < journalHeaderBytes) return undefined;
  if (header.magic.get(bytes, 0) !== magic || header.version.get(bytes, 0) !== formatVersion) return undefined;
  const seed = crc32(bytes.subarray(0, header.check.at));
  if (header.check.get(bytes, 0) !== seed) return undefined;
  return {
    generation: header.generation.get(bytes, 0),
    firstSequence: header.firstSequence.get(bytes, 0),
    salt: header.salt.get(bytes, 0),
    seed,
  };
}

/** Writes a record without block checksums into `bytes` at `base`. */
export function encodeRecord(
  bytes: Buffer,
  base: number,
  seed: number,
  kind: RecordKind,
  sequence: number,
  block: number,
  count: number,
): void {
  bytes.fill(0, base, base + recordBytes);
  record.kind.set(bytes, base, kind);
  record.count.set(bytes, base, count);
  record.sequence.set(bytes, base, sequence);
  record.block.set(bytes, base, block);
  record.check.set(bytes, base, crc32(bytes.subarray(base, base + record.check.at), seed));
}

/** Writes a MAP record for the `count` (1 to 8) whole blocks of `data` that begin at `at`. */
export function encodeMapRecord(
  bytes: Buffer,
  base: number,
  seed: number,
  sequence: number,
  block: number,
  count: number,
  data: Buffer,
  at: number,
  bytesPerBlock: number,
): void {
  bytes.fill(0, base, base + recordBytes);
  record.kind.set(bytes, base, recordKind.map);
  record.count.set(bytes, base, count);
  record.sequence.set(bytes, base, sequence);
  record.block.set(bytes, base, block);
  for (let index = 0; index < count; index += 1) {
    const start = at + index * bytesPerBlock;
    record.blockChecks[index]?.set(bytes, base, crc32(data.subarray(start, start + bytesPerBlock)));
  }
  record.check.set(bytes, base, crc32(bytes.subarray(base, base + record.check.at), seed));
}

/** The record at `base`, or `undefined` where there is no whole, sound record of the journal with this seed. */
export function decodeRecord(bytes: Buffer, base: number, seed: number): JournalRecord | undefined {
  if (base + recordBytes > bytes.length) return undefined;
  if (record.check.get(bytes, base) !== crc32(bytes.subarray(base, base + record.check.at), seed)) return undefined;
  const kind = record.kind.get(bytes, base);
  const count = record.count.get(bytes, base);
  if (!isRecordKind(kind) || (kind === recordKind.map && (count < 1 || count > mapBlocks))) return undefined;
  return {
    kind,
    sequence: record.sequence.get(bytes, base),
    block: record.block.get(bytes, base),
    count,
    blockChecks:
      kind === recordKind.map ? record.blockChecks.slice(0, count).map((check) => check.get(bytes, base)) : [],
  };
}
