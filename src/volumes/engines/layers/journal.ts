// One journal file of a head: records are appended into space that was claimed before, so that a full disk is noticed in time.
import { blockBytes } from '../../geometry.ts';
import { type StorageFile } from '../../files.ts';
import {
  decodeJournalHeader,
  decodeRecord,
  encodeJournalHeader,
  encodeMapRecord,
  encodeRecord,
  journalHeaderBytes,
  type JournalRecord,
  mapBlocks,
  recordBytes,
  type RecordKind,
} from './journal-record.ts';

/** Space is claimed, by writing zeros, in steps of this many bytes. */
const claimBytes = 64 * 1024;
/** Records that must always find room after those of a write: two flushes, a seal, a checkpoint. */
const spareRecords = 4;

export class Journal {
  readonly generation: number;
  readonly firstSequence: number;
  readonly #file: StorageFile;
  readonly #seed: number;
  #sequence: number;
  #end: number;
  #claimed: number;
  #dirty = true;
  #scratch = Buffer.alloc(recordBytes * 8);

  private constructor(file: StorageFile, generation: number, firstSequence: number, seed: number) {
    this.#file = file;
    this.generation = generation;
    this.#seed = seed;
    this.firstSequence = firstSequence;
    this.#sequence = firstSequence;
    this.#end = journalHeaderBytes;
    this.#claimed = journalHeaderBytes;
  }

  /** Begins a journal in an empty file. */
  static begin(file: StorageFile, values: { generation: number; firstSequence: number; salt: number }): Journal {
    const { bytes, seed } = encodeJournalHeader(values);
    file.writeSync(bytes, 0, bytes.length, 0);
    return new Journal(file, values.generation, values.firstSequence, seed);
  }

  /** Sequence number of the last record, of this journal or the one before it. */
  get lastSequence(): number {
    return this.#sequence - 1;
  }

  /** How many records it holds. */
  get length(): number {
    return (this.#end - journalHeaderBytes) / recordBytes;
  }

  /** How many records a MAP of `blocks` blocks takes. */
  static mapRecords(blocks: number): number {
    return Math.ceil(blocks / mapBlocks);
  }

  /** Makes sure that `records` more can be appended, and the spare ones after them. Throws `volumes.full`. */
  claim(records: number): void {
    const needed = this.#end + (records + spareRecords) * recordBytes;
    if (needed <= this.#claimed) return;
    const length = Math.ceil((needed - this.#claimed) / claimBytes) * claimBytes;
    this.#file.writeSync(Buffer.alloc(length), 0, length, this.#claimed);
    this.#claimed += length;
  }

  /** Appends a record that carries no block checksums. Its room must have been claimed. */
  append(kind: RecordKind, block: number, count: number): void {
    encodeRecord(this.#scratch, 0, this.#seed, kind, this.#sequence, block, count);
    this.#write(1);
  }

  /** Appends the MAP records of `count` whole blocks that lie in `data` from `at` on. Their room must have been claimed. */
  appendMap(block: number, count: number, data: Buffer, at: number): void {
    const records = Journal.mapRecords(count);
    if (this.#scratch.length < records * recordBytes) this.#scratch = Buffer.alloc(records * recordBytes);
    for (let index = 0; index < records; index += 1) {
      const first = index * mapBlocks;
      encodeMapRecord(
        this.#scratch,
        index * recordBytes,
        this.#seed,
        this.#sequence + index,
        block + first,
        Math.min(mapBlocks, count - first),
        data,
        at + first * blockBytes,
        blockBytes,
      );
    }
    this.#write(records);
  }

  #write(records: number): void {
    this.#file.writeSync(this.#scratch, 0, records * recordBytes, this.#end);
    this.#end += records * recordBytes;
    this.#sequence += records;
    this.#dirty = true;
  }

  /** Makes every record survive a power cut. One call at a time. */
  async synchronize(): Promise<void> {
    if (!this.#dirty) return;
    this.#dirty = false;
    await this.#file.synchronize();
  }

  closeSync(): void {
    this.#file.closeSync();
  }
}

export interface ReadJournal {
  readonly generation: number;
  readonly salt: number;
  readonly firstSequence: number;
  readonly records: readonly JournalRecord[];
}

/** Reads the sound records at the front of a journal file; `undefined` where not even the header is sound. */
export function readJournal(file: StorageFile): ReadJournal | undefined {
  const bytes = Buffer.alloc(file.bytes());
  file.readSync(bytes, 0, bytes.length, 0);
  const header = decodeJournalHeader(bytes);
  if (header === undefined) return undefined;
  const records: JournalRecord[] = [];
  for (let base = journalHeaderBytes; ; base += recordBytes) {
    const record = decodeRecord(bytes, base, header.seed);
    if (record === undefined || record.sequence !== header.firstSequence + records.length) break;
    records.push(record);
  }
  return { generation: header.generation, salt: header.salt, firstSequence: header.firstSequence, records };
}
