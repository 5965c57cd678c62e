// A volume's own writes: a sparse file, a state per block and a journal, which together survive kill -9 and power cuts.
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { Fault } from '../../../errors/fault.ts';
import { type StorageFile, type StorageFiles } from '../../files.ts';
import { blockBytes, blocksOf } from '../../geometry.ts';
import { blockState, BlockStates, type FrozenPages, isHeld } from './block-states.ts';
import { MapFile, writeMap } from './checkpoint.ts';
import { GroupCommit } from './group-commit.ts';
import { dataPath, findFiles, journalName, mapName } from './head-files.ts';
import { HolePuncher } from './hole-puncher.ts';
import { Journal } from './journal.ts';
import { recordKind } from './journal-record.ts';
import { replay } from './replay.ts';

/** Records in a journal that make a checkpoint worth its while: 4 MiB. */
const recordsPerCheckpoint = 65536;
/** Blocks that may await a flush (256 MiB): what a replay must read back stays bounded. */
const freshBlocksPerFlush = 65536;

export interface HeadPlace {
  readonly files: StorageFiles;
  readonly directory: string;
  /** 48-bit number of the volume that the files belong to. */
  readonly salt: number;
}

export class Head {
  readonly #place: HeadPlace;
  readonly #data: StorageFile;
  readonly #group = new GroupCommit(() => this.#commit());
  readonly states: BlockStates;
  #holes: HolePuncher;
  #map: MapFile | undefined;
  #journal: Journal | undefined;
  /** Journals whose records no map holds yet, oldest first. */
  #older: Journal[] = [];
  #nextGeneration: number;
  /** Sequence number of the first record of the next journal, where none is open. */
  #nextSequence: number;
  /** Sequence numbers of the last record that says something of a block, and of the last one that a flush covered. */
  #recordedSequence = 0;
  #coveredSequence = 0;
  /** Runs (block, count, …) that became `fresh` since the last flush began. */
  #fresh: number[] = [];
  #freshBlocks = 0;
  #flushing = false;
  #zeroedWhileFlushing = false;
  #dataDirty = false;
  #directoryDirty = false;
  /** Writes so far, and how many of them the last finished flush covered. */
  #changes = 0;
  #flushedChanges = 0;
  #checkpointing: Promise<void> | undefined;
  #checkpointAt = recordsPerCheckpoint;
  #sealed = false;
  /** Files that were replayed, until a map holds all that they say. */
  #superseded: readonly string[] | undefined;
  #finishing: Promise<void> | undefined;
  #failure: Fault | undefined;

  private constructor(place: HeadPlace, data: StorageFile, nextGeneration: number) {
    this.#place = place;
    this.#data = data;
    this.#nextGeneration = nextGeneration;
    this.#nextSequence = 1;
    this.states = new BlockStates((page) => this.#map?.page(page));
    this.#holes = new HolePuncher(data, this.states);
  }

  /** Makes the files of an empty head in a new directory, safe against a power cut. `size` is the disk's, in bytes. */
  static async create(place: HeadPlace, size: number): Promise<void> {
    await place.files.makeDirectory(place.directory);
    const data = place.files.openSync(dataPath(place.directory), 'create');
    try {
      data.truncateSync(blocksOf(size) * blockBytes);
      await data.synchronize();
    } finally {
      data.closeSync();
    }
    await place.files.synchronizeDirectory(place.directory);
  }

  /** Opens a head as the last process, however it ended, left it. Throws `volumes.damaged` or `volumes.io`. */
  static async open(place: HeadPlace): Promise<Head> {
    const found = await findFiles(place.files, place.directory, place.salt);
    const data = place.files.openSync(dataPath(place.directory), 'change');
    const head = new Head(place, data, found.nextGeneration);
    head.#map = found.map;
    head.#nextSequence = found.map?.values.nextSequence ?? 1;
    const bytes = Buffer.alloc(blockBytes);
    const replayed = replay(head.states, found.journals, head.#nextSequence, (block) => {
      data.readSync(bytes, 0, blockBytes, block * blockBytes);
      return crc32(bytes);
    });
    head.#nextSequence = replayed.nextSequence;
    head.#recordedSequence = replayed.nextSequence - 1;
    head.#coveredSequence = head.#recordedSequence;
    // Blocks that were written in place leave no record: after kill -9 they may still have to reach the disk.
    if (replayed.changed || found.map !== undefined) await data.synchronize();
    if (replayed.changed) head.#superseded = found.names;
    else await head.#removeOutdated(found.names);
    try {
      await head.#finishOpening();
    } catch (error) {
      // On a full disk it is read all the same; the first write or flush tries again.
      if (!(error instanceof Fault) || error.code !== 'volumes.full') throw error;
    }
    return head;
  }

  /** Reads bytes that the head holds: the caller has looked at {@link states}. */
  readSync(into: Buffer, at: number, length: number, position: number): void {
    this.#data.readSync(into, at, length, position);
  }

  /**
   * Writes `count` whole blocks from `from[at…]`. A record with each block's checksum goes first, unless the block's
   * place is known since the last flush: then either content may be found after a power cut, and no record is needed.
   */
  writeBlocks(block: number, from: Buffer, at: number, count: number): void {
    this.#assertWritable();
    this.#changes += 1;
    this.#dataDirty = true;
    if (this.#isFlushed(block, count)) {
      this.#data.writeSync(from, at, count * blockBytes, block * blockBytes);
      return;
    }
    const journal = this.#claimedJournal(Journal.mapRecords(count) + 2 * count);
    try {
      this.#eachUnflushedRun(block, count, (first, length) => {
        journal.appendMap(first, length, from, at + (first - block) * blockBytes);
      });
      this.#data.writeSync(from, at, count * blockBytes, block * blockBytes);
    } catch (error) {
      this.#takeBack(journal, block, count);
      throw error;
    }
    this.#eachUnflushedRun(block, count, (first, length) => this.#markFresh(first, length));
    this.#afterRecords(journal);
  }

  /** Writes a part of one block that the head holds already. */
  writeWithin(block: number, inBlock: number, from: Buffer, at: number, length: number): void {
    if (this.states.get(block) === blockState.data) {
      this.#assertWritable();
      this.#changes += 1;
      this.#dataDirty = true;
      this.#data.writeSync(from, at, length, block * blockBytes + inBlock);
      return;
    }
    const whole = Buffer.allocUnsafe(blockBytes);
    this.#data.readSync(whole, 0, blockBytes, block * blockBytes);
    from.copy(whole, inBlock, at, at + length);
    this.writeBlocks(block, whole, 0, 1);
  }

  /** Makes `count` whole blocks read as zeros. */
  zeroBlocks(block: number, count: number): void {
    if (this.states.get(block) === blockState.zero && this.states.runLength(block, count) >= count) return;
    this.#assertWritable();
    const journal = this.#claimedJournal(1);
    this.#changes += 1;
    journal.append(recordKind.zero, block, count);
    if (this.#flushing) this.#zeroedWhileFlushing = true;
    for (let next = block; next < block + count;) {
      const length = this.states.runLength(next, block + count - next);
      if (isHeld(this.states.get(next))) this.#holes.add(next, length);
      next += length;
    }
    this.states.set(block, count, blockState.zero);
    this.#afterRecords(journal);
  }

  /** What a write to these blocks has to wait for, which is rare. */
  obstacle(block: number, count: number): Promise<unknown> | undefined {
    return this.#holes.obstacle(block, count);
  }

  /** Makes everything written before this call survive a power cut; all who wait share one sync. */
  flush(): undefined | Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#superseded !== undefined) return this.#finishOpening();
    return this.#changes === this.#flushedChanges ? undefined : this.#group.request();
  }

  /** Ends writing for good: flushes, and says so in the journal. The caller lets no write in meanwhile. */
  async seal(): Promise<void> {
    await this.#holes.stop();
    await this.flush();
    this.#sealed = true;
    if (this.#journal === undefined) return;
    this.#journal.append(recordKind.seal, 0, 0);
    await this.#journal.synchronize();
  }

  /** Takes back {@link seal}, where what it was for did not come about. */
  unseal(): void {
    this.#sealed = false;
    this.#holes = new HolePuncher(this.#data, this.states);
  }

  /** Writes all block states beside the journal, and begins another journal; reads and writes go on. */
  checkpoint(): Promise<void> {
    this.#checkpointing ??= this.#runCheckpoint().finally(() => {
      this.#checkpointing = undefined;
    });
    return this.#checkpointing;
  }

  /** Whether nothing was ever written to it. */
  get isEmpty(): boolean {
    return this.#recordedSequence === 0;
  }

  /** Leaves the head such that it opens at once, and releases its files. */
  async close(): Promise<void> {
    try {
      await this.#holes.stop();
      await this.#checkpointing?.catch(() => {
        // The last one, below, does its work.
      });
      if (this.#failure === undefined && this.#superseded === undefined) await this.#lastCheckpoint();
    } finally {
      this.#closeFiles();
    }
  }

  /** Releases the files of a sealed head, and removes them. */
  async discard(): Promise<void> {
    await this.#checkpointing?.catch(() => {
      // Nothing of it is needed any more.
    });
    this.#closeFiles();
    await this.#place.files.remove(this.#place.directory);
  }

  #closeFiles(): void {
    for (const journal of this.#older) journal.closeSync();
    this.#journal?.closeSync();
    this.#map?.closeSync();
    this.#data.closeSync();
  }

  #assertWritable(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#sealed) throw new Fault('internal', 'A sealed layer was written to.');
    if (this.#superseded === undefined) return;
    this.#finishOpening().catch(() => {
      // Still no space: the next write tries again.
    });
    throw new Fault('volumes.full', 'There is no space left to write to the volume.');
  }

  /** Writes the map of what was replayed; until then nothing may be recorded after it. Throws `volumes.full`. */
  #finishOpening(): Promise<void> {
    if (this.#superseded === undefined) return Promise.resolve();
    this.#finishing ??= this.#finishNow(this.#superseded).finally(() => {
      this.#finishing = undefined;
    });
    return this.#finishing;
  }

  async #finishNow(superseded: readonly string[]): Promise<void> {
    this.#nextGeneration += 1;
    await this.#writeMap(this.states.freeze(), this.#nextGeneration - 1, this.#nextSequence);
    this.#superseded = undefined;
    await this.#removeOutdated(superseded);
  }

  async #removeOutdated(names: readonly string[]): Promise<void> {
    const { files, directory } = this.#place;
    const kept = this.#map === undefined ? undefined : mapName(this.#map.values.generation);
    for (const name of names) if (name !== kept) await files.remove(join(directory, name));
  }

  #isFlushed(block: number, count: number): boolean {
    return (
      this.states.get(block) === blockState.data &&
      (count === 1 || this.states.flushedRunLength(block, count) === count)
    );
  }

  #eachUnflushedRun(block: number, count: number, visit: (first: number, length: number) => void): void {
    for (let next = block; next < block + count;) {
      const length = this.states.flushedRunLength(next, block + count - next);
      if (this.states.get(next) !== blockState.data) visit(next, length);
      next += length;
    }
  }

  #markFresh(block: number, count: number): void {
    for (let next = block; next < block + count;) {
      const length = this.states.runLength(next, block + count - next);
      if (!isHeld(this.states.get(next))) {
        this.states.set(next, length, blockState.fresh);
        this.#fresh.push(next, length);
        this.#freshBlocks += length;
      }
      next += length;
    }
  }

  /** After a write that failed: blocks that the head did not hold before are still not held, whatever was recorded. */
  #takeBack(journal: Journal, block: number, count: number): void {
    try {
      for (let next = block; next < block + count;) {
        const length = this.states.runLength(next, block + count - next);
        const state = this.states.get(next);
        if (state === blockState.inherit) journal.append(recordKind.inherit, next, length);
        if (state === blockState.zero) journal.append(recordKind.zero, next, length);
        next += length;
      }
      this.#recordedSequence = journal.lastSequence;
    } catch (error) {
      this.#fail(error);
    }
  }

  #claimedJournal(records: number): Journal {
    this.#journal ??= this.#beginJournal(this.#nextSequence);
    this.#journal.claim(records);
    return this.#journal;
  }

  #beginJournal(firstSequence: number): Journal {
    const generation = this.#nextGeneration;
    const file = this.#place.files.openSync(join(this.#place.directory, journalName(generation)), 'create');
    this.#nextGeneration += 1;
    this.#directoryDirty = true;
    try {
      const journal = Journal.begin(file, { generation, firstSequence, salt: this.#place.salt });
      journal.claim(0);
      return journal;
    } catch (error) {
      file.closeSync();
      throw error;
    }
  }

  #afterRecords(journal: Journal): void {
    this.#recordedSequence = journal.lastSequence;
    if (journal.length >= this.#checkpointAt && this.#checkpointing === undefined) {
      this.checkpoint().catch(() => {
        // A full disk: the journal goes on, and the next attempt comes later.
        this.#checkpointAt += recordsPerCheckpoint;
      });
    }
    if (this.#freshBlocks >= freshBlocksPerFlush && !this.#flushing) {
      this.#group.request().catch(() => {
        // The failure is kept, and every later write and flush reports it.
      });
    }
  }

  async #commit(): Promise<void> {
    const changes = this.#changes;
    const covered = this.#recordedSequence;
    // A full disk is noticed here, before anything is done.
    if (covered > this.#coveredSequence) this.#claimedJournal(0);
    const fresh = this.#fresh;
    this.#fresh = [];
    this.#freshBlocks = 0;
    this.#zeroedWhileFlushing = false;
    this.#flushing = true;
    try {
      if (this.#dataDirty) {
        this.#dataDirty = false;
        await this.#data.synchronize();
      }
      if (covered > this.#coveredSequence) await this.#commitRecords(covered);
      this.#settle(fresh);
      this.#flushedChanges = changes;
    } catch (error) {
      throw this.#fail(error);
    } finally {
      this.#flushing = false;
    }
  }

  async #commitRecords(covered: number): Promise<void> {
    // A checkpoint may have begun another journal meanwhile: its FLUSH covers the records of the older ones too.
    const journal = this.#claimedJournal(0);
    journal.append(recordKind.flush, covered, 0);
    for (const older of [...this.#older, journal]) await older.synchronize();
    if (this.#directoryDirty) {
      this.#directoryDirty = false;
      await this.#place.files.synchronizeDirectory(this.#place.directory);
    }
    this.#coveredSequence = covered;
  }

  /** The blocks of these runs are safe now, but for those that were zeroed and written again while the flush ran. */
  #settle(fresh: readonly number[]): void {
    const again = new Set<number>();
    if (this.#zeroedWhileFlushing) {
      for (let at = 0; at < this.#fresh.length; at += 2) {
        const first = this.#fresh[at] ?? 0;
        for (let index = 0; index < (this.#fresh[at + 1] ?? 0); index += 1) again.add(first + index);
      }
    }
    for (let at = 0; at < fresh.length; at += 2) {
      const first = fresh[at] ?? 0;
      const end = first + (fresh[at + 1] ?? 0);
      for (let block = first; block < end; block += 1) {
        if (this.states.get(block) === blockState.fresh && !again.has(block)) {
          this.states.set(block, 1, blockState.data);
        }
      }
    }
  }

  async #runCheckpoint(): Promise<void> {
    const journal = this.#journal;
    if (journal === undefined) return;
    const next = this.#beginJournal(journal.lastSequence + 2);
    journal.append(recordKind.checkpoint, 0, 0);
    this.#older.push(journal);
    this.#journal = next;
    const pages = this.states.freeze();
    await this.#group.request();
    await this.#replaceOlder(pages, next.generation, next.firstSequence);
    this.#checkpointAt = recordsPerCheckpoint;
  }

  /** As a checkpoint, when no write can come any more: without another journal. */
  async #lastCheckpoint(): Promise<void> {
    await this.flush();
    const journal = this.#journal;
    if (journal === undefined) return;
    this.#journal = undefined;
    this.#older.push(journal);
    this.#nextGeneration += 1;
    await this.#replaceOlder(this.states.freeze(), this.#nextGeneration - 1, journal.lastSequence + 1);
  }

  /** Writes the map that makes all journals but the open one superfluous, and removes them. */
  async #replaceOlder(pages: FrozenPages, generation: number, nextSequence: number): Promise<void> {
    const superfluous = [...this.#older];
    const before = this.#map;
    await this.#writeMap(pages, generation, nextSequence);
    this.#older = this.#older.filter((older) => !superfluous.includes(older));
    for (const older of superfluous) {
      older.closeSync();
      await this.#place.files.remove(join(this.#place.directory, journalName(older.generation)));
    }
    if (before !== undefined) {
      await this.#place.files.remove(join(this.#place.directory, mapName(before.values.generation)));
    }
  }

  async #writeMap(pages: FrozenPages, generation: number, nextSequence: number): Promise<void> {
    const { files, directory, salt } = this.#place;
    const before = this.#map;
    const name = mapName(generation);
    const temporary = join(directory, `${name}.tmp`);
    await files.remove(temporary);
    const file = files.openSync(temporary, 'create');
    try {
      const pageCount = Math.max(pages.length, before?.pageCount ?? 0);
      await writeMap(file, { generation, nextSequence, salt }, pageCount, (page) => pages[page] ?? before?.page(page));
      await file.synchronize();
      await files.rename(temporary, join(directory, name));
      await files.synchronizeDirectory(directory);
    } catch (error) {
      file.closeSync();
      await files.remove(temporary);
      throw error;
    }
    this.#map = MapFile.read(file);
    before?.closeSync();
  }

  /** Keeps the first failure of a sync or a journal: what the disk holds from then on is only known after a new start. */
  #fail(error: unknown): Fault {
    this.#failure ??=
      error instanceof Fault
        ? error
        : new Fault('volumes.io', 'A volume cannot be written any more.', { cause: error });
    return this.#failure;
  }
}
