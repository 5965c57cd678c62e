// A base layer: an image's immutable bytes on this machine, filled chunk by chunk when first read, shared by all its clones.
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { type StoredDisk } from '../../../vault/stored-disk.ts';
import { type StorageFile, type StorageFiles } from '../../files.ts';
import { GroupCommit } from './group-commit.ts';
import { type ExtentList, type Layer } from './layer.ts';
import { type BaseIdentity, residencyKind, type ResidencyRecord, ResidencyJournal } from './residency.ts';

/** `unproven`: said to be resident by the journal of an earlier run; compared with its checksum when first touched. */
const chunkState = { absent: 0, unproven: 1, zero: 2, resident: 3 } as const;

export interface BaseStatistics {
  /** Chunks that came from the vault since the layer was opened. */
  readonly fetched: number;
  /** Chunks whose bytes on this machine were found damaged, and were fetched again. */
  readonly damaged: number;
  /** Records of residency that could not be written. */
  readonly unnoted: number;
}

export class BaseLayer implements Layer {
  readonly identity: BaseIdentity;
  readonly #data: StorageFile;
  readonly #journal: ResidencyJournal;
  readonly #source: () => Promise<StoredDisk>;
  readonly #states: Uint8Array;
  readonly #checks: Uint32Array;
  readonly #inFlight = new Map<number, Promise<void>>();
  readonly #group = new GroupCommit(() => this.#record());
  /** Chunks that were written but are not yet safe, and so not yet recorded. */
  #unrecorded: ResidencyRecord[] = [];
  #recording: Promise<void> = Promise.resolve();
  #fetched = 0;
  #damaged = 0;
  #unnoted = 0;

  private constructor(
    identity: BaseIdentity,
    data: StorageFile,
    journal: ResidencyJournal,
    records: readonly ResidencyRecord[],
    source: () => Promise<StoredDisk>,
  ) {
    this.identity = identity;
    this.#data = data;
    this.#journal = journal;
    this.#source = source;
    const chunks = Math.ceil(identity.size / identity.chunkBytes);
    this.#states = new Uint8Array(chunks);
    this.#checks = new Uint32Array(chunks);
    for (const { kind, chunk, dataCheck } of records) {
      if (chunk >= chunks) continue;
      this.#states[chunk] =
        kind === residencyKind.zero
          ? chunkState.zero
          : kind === residencyKind.data
            ? chunkState.unproven
            : chunkState.absent;
      this.#checks[chunk] = dataCheck;
    }
  }

  /**
   * Opens the layer in its directory, or begins it. `source` is asked for the disk in the vault when a chunk is missing,
   * and not before: an image that is resident needs no vault.
   */
  static async open(
    files: StorageFiles,
    directory: string,
    identity: BaseIdentity,
    source: () => Promise<StoredDisk>,
  ): Promise<BaseLayer> {
    const names = await files.list(directory);
    if (names.length === 0) await files.makeDirectory(directory);
    const data = files.openSync(join(directory, 'data'), names.includes('data') ? 'change' : 'create');
    const file = files.openSync(join(directory, 'residency'), names.includes('residency') ? 'change' : 'create');
    const found = ResidencyJournal.read(file, identity);
    const journal = found?.journal ?? ResidencyJournal.begin(file, identity);
    if (found === undefined) data.truncateSync(identity.size);
    await data.synchronize();
    await file.synchronize();
    await files.synchronizeDirectory(directory);
    return new BaseLayer(identity, data, journal, found?.records ?? [], source);
  }

  get statistics(): BaseStatistics {
    return { fetched: this.#fetched, damaged: this.#damaged, unnoted: this.#unnoted };
  }

  readNow(offset: number, into: Buffer, at: number, length: number): boolean {
    const { size, chunkBytes } = this.identity;
    const end = Math.min(offset + length, size);
    if (end < offset + length) into.fill(0, at + Math.max(0, end - offset), at + length);
    let position = offset;
    while (position < end) {
      const state = this.#states[Math.floor(position / chunkBytes)];
      if (state !== chunkState.resident && state !== chunkState.zero) return false;
      let runEnd = position - (position % chunkBytes) + chunkBytes;
      while (runEnd < end && this.#states[runEnd / chunkBytes] === state) runEnd += chunkBytes;
      runEnd = Math.min(runEnd, end);
      const place = at + position - offset;
      if (state === chunkState.zero) into.fill(0, place, place + runEnd - position);
      else this.#data.readSync(into, place, runEnd - position, position);
      position = runEnd;
    }
    return true;
  }

  async fetch(offset: number, length: number): Promise<void> {
    const { size, chunkBytes } = this.identity;
    const end = Math.min(offset + length, size);
    const wanted: Promise<void>[] = [];
    for (let chunk = Math.floor(offset / chunkBytes); chunk * chunkBytes < end; chunk += 1) {
      const state = this.#states[chunk];
      if (state !== chunkState.resident && state !== chunkState.zero) wanted.push(this.#bring(chunk));
    }
    await Promise.all(wanted);
  }

  addExtents(offset: number, length: number, list: ExtentList): void {
    const { size, chunkBytes } = this.identity;
    const end = Math.min(offset + length, size);
    for (let position = offset; position < end;) {
      const chunk = Math.floor(position / chunkBytes);
      const runEnd = Math.min(end, (chunk + 1) * chunkBytes);
      list.add(position, runEnd - position, this.#states[chunk] === chunkState.zero ? 'zero' : 'data');
      position = runEnd;
    }
    const from = Math.max(offset, end);
    list.add(from, offset + length - from, 'zero');
  }

  /** Waits for what is being fetched and recorded, and releases the files. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#inFlight.values());
    await this.#recording;
    this.#journal.closeSync();
    this.#data.closeSync();
  }

  /** One fetch per chunk at a time, however many ask. */
  #bring(chunk: number): Promise<void> {
    const under = this.#inFlight.get(chunk);
    if (under !== undefined) return under;
    const bringing = this.#bringNow(chunk).finally(() => this.#inFlight.delete(chunk));
    this.#inFlight.set(chunk, bringing);
    return bringing;
  }

  async #bringNow(chunk: number): Promise<void> {
    if (this.#states[chunk] === chunkState.unproven) {
      if (await this.#isSound(chunk)) {
        this.#states[chunk] = chunkState.resident;
        return;
      }
      this.#damaged += 1;
      this.#states[chunk] = chunkState.absent;
      this.#note({ kind: residencyKind.gone, chunk, dataCheck: 0 });
    }
    const disk = await this.#source();
    if (await disk.isZeroChunk(chunk)) {
      this.#states[chunk] = chunkState.zero;
      this.#note({ kind: residencyKind.zero, chunk, dataCheck: 0 });
      return;
    }
    const bytes = await disk.readChunk(chunk);
    this.#data.writeSync(bytes, 0, bytes.length, chunk * this.identity.chunkBytes);
    this.#fetched += 1;
    // The proven bytes may be read from now on; the journal says so only once they are safe.
    this.#states[chunk] = chunkState.resident;
    this.#unrecorded.push({ kind: residencyKind.data, chunk, dataCheck: crc32(bytes) });
    this.#recording = this.#group.request().catch(() => {
      // Not recorded: after a restart the chunk is fetched again.
    });
  }

  async #isSound(chunk: number): Promise<boolean> {
    const { size, chunkBytes } = this.identity;
    const start = chunk * chunkBytes;
    const bytes = Buffer.allocUnsafe(Math.min(chunkBytes, size - start));
    await this.#data.read(bytes, 0, bytes.length, start);
    return crc32(bytes) === this.#checks[chunk];
  }

  async #record(): Promise<void> {
    const records = this.#unrecorded;
    this.#unrecorded = [];
    await this.#data.synchronize();
    for (const values of records) this.#note(values);
  }

  /** What cannot be recorded, for want of space, is looked up again after a restart. */
  #note(values: ResidencyRecord): void {
    try {
      this.#journal.append(values);
    } catch {
      this.#unnoted += 1;
    }
  }
}
