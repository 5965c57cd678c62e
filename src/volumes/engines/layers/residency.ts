// The residency journal of a base layer: which chunks are on this machine, each with the checksum of its bytes.
import { crc32 } from 'node:zlib';
import { type StorageFile } from '../../files.ts';
import { u32, u48, u8 } from '../../layout.ts';

const magic = 0x4c524d4d; // "MMRL"
const formatVersion = 1;
const headerBytes = 64;
const recordBytes = 16;

/** docs/volume-format.md, "Residency header". */
const header = {
  magic: u32(0),
  version: u32(4),
  /** Size of the disk in bytes. */
  size: u48(8),
  chunkBytes: u32(16),
  /** SHA-256 of the manifest's root. */
  manifestAt: 20,
  manifestBytes: 32,
  check: u32(60),
} as const;

/** docs/volume-format.md, "Residency record". */
const record = {
  kind: u8(0),
  chunk: u32(4),
  /** CRC-32 of the chunk's bytes. */
  dataCheck: u32(8),
  /** CRC-32 of bytes 0 to 11, seeded with the header's. */
  check: u32(12),
} as const;

/** `gone`: the bytes on the disk were found damaged, and count as absent. */
export const residencyKind = { data: 1, zero: 2, gone: 3 } as const;
export type ResidencyKind = (typeof residencyKind)[keyof typeof residencyKind];

export interface ResidencyRecord {
  readonly kind: ResidencyKind;
  readonly chunk: number;
  readonly dataCheck: number;
}

export interface BaseIdentity {
  readonly manifestId: string;
  /** Bytes. */
  readonly size: number;
  readonly chunkBytes: number;
}

export function encodeResidencyHeader(identity: BaseIdentity): Buffer {
  const bytes = Buffer.alloc(headerBytes);
  header.magic.set(bytes, 0, magic);
  header.version.set(bytes, 0, formatVersion);
  header.size.set(bytes, 0, identity.size);
  header.chunkBytes.set(bytes, 0, identity.chunkBytes);
  bytes.write(identity.manifestId, header.manifestAt, header.manifestBytes, 'hex');
  header.check.set(bytes, 0, crc32(bytes.subarray(0, header.check.at)));
  return bytes;
}

export function encodeResidencyRecord(values: ResidencyRecord, seed: number): Buffer {
  const bytes = Buffer.alloc(recordBytes);
  record.kind.set(bytes, 0, values.kind);
  record.chunk.set(bytes, 0, values.chunk);
  record.dataCheck.set(bytes, 0, values.dataCheck);
  record.check.set(bytes, 0, crc32(bytes.subarray(0, record.check.at), seed));
  return bytes;
}

const kinds: ReadonlySet<number> = new Set(Object.values(residencyKind));

function isResidencyKind(kind: number): kind is ResidencyKind {
  return kinds.has(kind);
}

/** An open residency journal: read once, then appended to. */
export class ResidencyJournal {
  readonly #file: StorageFile;
  readonly #seed: number;
  #end: number;

  private constructor(file: StorageFile, seed: number, end: number) {
    this.#file = file;
    this.#seed = seed;
    this.#end = end;
  }

  /** Begins, or begins again, a journal that says that nothing is resident. */
  static begin(file: StorageFile, identity: BaseIdentity): ResidencyJournal {
    file.truncateSync(0);
    const bytes = encodeResidencyHeader(identity);
    file.writeSync(bytes, 0, bytes.length, 0);
    return new ResidencyJournal(file, header.check.get(bytes, 0), bytes.length);
  }

  /**
   * Reads the sound records at the front, and cuts off what a power cut left after them. `undefined` where the file is
   * of another disk or its header is not sound: then nothing is known to be resident.
   */
  static read(
    file: StorageFile,
    identity: BaseIdentity,
  ): { journal: ResidencyJournal; records: ResidencyRecord[] } | undefined {
    const bytes = Buffer.alloc(file.bytes());
    file.readSync(bytes, 0, bytes.length, 0);
    const expected = encodeResidencyHeader(identity);
    if (!bytes.subarray(0, headerBytes).equals(expected)) return undefined;
    const seed = header.check.get(expected, 0);
    const records: ResidencyRecord[] = [];
    let end = headerBytes;
    for (; end + recordBytes <= bytes.length; end += recordBytes) {
      if (record.check.get(bytes, end) !== crc32(bytes.subarray(end, end + record.check.at), seed)) break;
      const kind = record.kind.get(bytes, end);
      if (!isResidencyKind(kind)) break;
      records.push({ kind, chunk: record.chunk.get(bytes, end), dataCheck: record.dataCheck.get(bytes, end) });
    }
    if (end < bytes.length) file.truncateSync(end);
    return { journal: new ResidencyJournal(file, seed, end), records };
  }

  append(values: ResidencyRecord): void {
    const bytes = encodeResidencyRecord(values, this.#seed);
    this.#file.writeSync(bytes, 0, bytes.length, this.#end);
    this.#end += bytes.length;
  }

  closeSync(): void {
    this.#file.closeSync();
  }
}
