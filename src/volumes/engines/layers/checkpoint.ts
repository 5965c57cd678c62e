// The map file: all block states of a head at one checkpoint, in pages that are read when they are first needed.
import { setImmediate } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { Fault } from '../../../errors/fault.ts';
import { type StorageFile } from '../../files.ts';
import { u32, u48 } from '../../layout.ts';
import { pageBytes } from './block-states.ts';

const magic = 0x4d4d4d4d; // "MMMM"
const formatVersion = 1;
const headerBytes = 64;
const entryBytes = 8;
const largestPageCount = 65536;

/** docs/volume-format.md, "Map header". */
const header = {
  magic: u32(0),
  version: u32(4),
  /** Generation of the first journal whose records are not in this map. */
  generation: u48(8),
  /** Sequence number of the first record that is not in this map. */
  nextSequence: u48(16),
  salt: u48(24),
  /** Entries in the table of pages that follows. */
  pageCount: u32(32),
  /** CRC-32 of the table. */
  tableCheck: u32(36),
  /** CRC-32 of bytes 0 to 59. */
  check: u32(60),
} as const;

/** docs/volume-format.md, "Map table". */
const entry = {
  /** Where the page is, in pages from the end of the table and from 1; 0 is a page of `inherit`, which is not stored. */
  place: u32(0),
  /** CRC-32 of the page. */
  check: u32(4),
} as const;

export interface MapValues {
  readonly generation: number;
  readonly nextSequence: number;
  readonly salt: number;
}

/** A map file that is open for as long as its pages may be needed. */
export class MapFile {
  readonly values: MapValues;
  readonly pageCount: number;
  readonly #file: StorageFile;
  readonly #table: Buffer;

  private constructor(file: StorageFile, values: MapValues, table: Buffer) {
    this.#file = file;
    this.values = values;
    this.#table = table;
    this.pageCount = table.length / entryBytes;
  }

  /** Throws `volumes.damaged` where header or table are not what was written. */
  static read(file: StorageFile): MapFile {
    const head = Buffer.alloc(headerBytes);
    file.readSync(head, 0, headerBytes, 0);
    const pageCount = header.pageCount.get(head, 0);
    const sound =
      header.magic.get(head, 0) === magic &&
      header.version.get(head, 0) === formatVersion &&
      header.check.get(head, 0) === crc32(head.subarray(0, header.check.at)) &&
      pageCount <= largestPageCount;
    const table = Buffer.alloc(sound ? pageCount * entryBytes : 0);
    file.readSync(table, 0, table.length, headerBytes);
    if (!sound || crc32(table) !== header.tableCheck.get(head, 0)) {
      throw new Fault('volumes.damaged', 'The map of a volume does not match its checksum.');
    }
    const values = {
      generation: header.generation.get(head, 0),
      nextSequence: header.nextSequence.get(head, 0),
      salt: header.salt.get(head, 0),
    };
    return new MapFile(file, values, table);
  }

  /** A page of states, or `undefined` for one of `inherit`. Throws `volumes.damaged`. */
  page(index: number): Buffer | undefined {
    if (index >= this.pageCount) return undefined;
    const place = entry.place.get(this.#table, index * entryBytes);
    if (place === 0) return undefined;
    const page = Buffer.alloc(pageBytes);
    this.#file.readSync(page, 0, pageBytes, headerBytes + this.#table.length + (place - 1) * pageBytes);
    if (crc32(page) !== entry.check.get(this.#table, index * entryBytes)) {
      throw new Fault('volumes.damaged', `Page ${index} of the map of a volume does not match its checksum.`);
    }
    return page;
  }

  closeSync(): void {
    this.#file.closeSync();
  }
}

/** `fresh` becomes `data`: a map is written only after the bytes themselves are safe. */
function settled(page: Buffer): Buffer {
  const words = new Uint32Array(pageBytes / 4);
  const copy = Buffer.from(words.buffer);
  page.copy(copy);
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? 0;
    words[at] = word & ~((word & (word >>> 1) & 0x55555555) << 1);
  }
  return copy;
}

const untouched = Buffer.alloc(pageBytes);
/** Pages written before other work of the process gets its turn. */
const pagesPerTurn = 32;

/** Writes a whole map into an empty file; `pageOf` gives the pages, `undefined` for those of `inherit`. */
export async function writeMap(
  file: StorageFile,
  values: MapValues,
  pageCount: number,
  pageOf: (index: number) => Buffer | undefined,
): Promise<void> {
  const table = Buffer.alloc(pageCount * entryBytes);
  let stored = 0;
  for (let index = 0; index < pageCount; index += 1) {
    const page = pageOf(index);
    if (page === undefined || page.equals(untouched)) continue;
    const bytes = settled(page);
    file.writeSync(bytes, 0, pageBytes, headerBytes + table.length + stored * pageBytes);
    stored += 1;
    entry.place.set(table, index * entryBytes, stored);
    entry.check.set(table, index * entryBytes, crc32(bytes));
    if (stored % pagesPerTurn === 0) await setImmediate();
  }
  file.writeSync(table, 0, table.length, headerBytes);
  const head = Buffer.alloc(headerBytes);
  header.magic.set(head, 0, magic);
  header.version.set(head, 0, formatVersion);
  header.generation.set(head, 0, values.generation);
  header.nextSequence.set(head, 0, values.nextSequence);
  header.salt.set(head, 0, values.salt);
  header.pageCount.set(head, 0, pageCount);
  header.tableCheck.set(head, 0, crc32(table));
  header.check.set(head, 0, crc32(head.subarray(0, header.check.at)));
  file.writeSync(head, 0, headerBytes, 0);
}
