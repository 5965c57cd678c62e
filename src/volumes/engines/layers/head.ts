// A volume's own writes: a sparse file, a state per block and a log, which together survive kill -9 and power cuts.
import { crc32 } from 'node:zlib';
import { Fault } from '../../../errors/fault.ts';
import { type StorageFile } from '../../files.ts';
import { blockBytes, blocksOf } from '../../geometry.ts';
import { blockState, BlockStates, isHeld } from './block-states.ts';
import { FreshBlocks } from './fresh-blocks.ts';
import { GroupCommit } from './group-commit.ts';
import { dataPath, findFiles, type HeadPlace } from './head-files.ts';
import { HeadLog, isFull } from './head-log.ts';
import { HolePuncher } from './hole-puncher.ts';
import { Journal } from './journal.ts';
import { recordKind } from './journal-record.ts';
import { replay } from './replay.ts';

/** Records in a journal that make a checkpoint worth its while: 4 MiB. */
const recordsPerCheckpoint = 65536;
/** Blocks that may await a flush (256 MiB): what a replay must read back stays bounded. */
const freshBlocksPerFlush = 65536;

export class Head {
  readonly #place: HeadPlace;
  readonly #data: StorageFile;
  readonly #log: HeadLog;
  readonly #group = new GroupCommit(() => this.#commit());
  readonly #fresh: FreshBlocks;
  readonly states: BlockStates;
  #holes: HolePuncher;
  #flushing = false;
  #dataDirty = false;
  /** Writes so far, and how many of them the last finished flush covered. */
  #changes = 0;
  #flushedChanges = 0;
  #checkpointing: Promise<void> | undefined;
  #checkpointAt = recordsPerCheckpoint;
  #sealed = false;
  #failure: Fault | undefined;

  private constructor(place: HeadPlace, data: StorageFile, log: HeadLog) {
    this.#place = place;
    this.#data = data;
    this.#log = log;
    this.states = new BlockStates((page) => log.page(page));
    this.#fresh = new FreshBlocks(this.states);
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
    const log = new HeadLog(place, found);
    const head = new Head(place, data, log);
    const bytes = Buffer.alloc(blockBytes);
    const replayed = replay(head.states, found.journals, log.nextSequence, (block) => {
      data.readSync(bytes, 0, blockBytes, block * blockBytes);
      return crc32(bytes);
    });
    // Blocks that were written in place leave no record: after kill -9 they may still have to reach the disk.
    if (replayed.changed || found.map !== undefined) await data.synchronize();
    await log.resume(found.names, replayed);
    try {
      await head.#finishOpening();
    } catch (error) {
      // On a full disk it is read all the same; the first write or flush tries again.
      if (!isFull(error)) throw error;
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
    const journal = this.#log.claim(Journal.mapRecords(count) + 2 * count);
    try {
      this.#eachUnflushedRun(block, count, (first, length) => {
        journal.appendMap(first, length, from, at + (first - block) * blockBytes);
      });
      this.#data.writeSync(from, at, count * blockBytes, block * blockBytes);
    } catch (error) {
      this.#takeBack(journal, block, count);
      throw error;
    }
    this.#eachUnflushedRun(block, count, (first, length) => this.#fresh.mark(first, length));
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
    const journal = this.#log.claim(1);
    this.#changes += 1;
    journal.append(recordKind.zero, block, count);
    this.#fresh.noteZeroed();
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
    if (this.#log.isUnfinished) return this.#finishOpening();
    return this.#changes === this.#flushedChanges ? undefined : this.#group.request();
  }

  /** Ends writing for good: flushes, and says so in the journal. The caller lets no write in meanwhile. */
  async seal(): Promise<void> {
    await this.#holes.stop();
    await this.flush();
    this.#sealed = true;
    await this.#log.seal();
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
    return this.#log.recorded === 0;
  }

  /** Leaves the head such that it opens at once, and releases its files. */
  async close(): Promise<void> {
    try {
      await this.#holes.stop();
      await this.#checkpointing?.catch(() => {
        // The last one, below, does its work.
      });
      if (this.#failure === undefined && !this.#log.isUnfinished) await this.#lastCheckpoint();
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
    this.#log.closeSync();
    this.#data.closeSync();
  }

  #assertWritable(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#sealed) throw new Fault('internal', 'A sealed layer was written to.');
    if (!this.#log.isUnfinished) return;
    this.#finishOpening().catch(() => {
      // Still no space: the next write tries again.
    });
    throw new Fault('volumes.full', 'There is no space left to write to the volume.');
  }

  /** Writes the map of what was replayed; until then nothing may be recorded after it. Throws `volumes.full`. */
  #finishOpening(): Promise<void> {
    return this.#log.finish(() => this.states.freeze());
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
      this.#log.note(journal);
    } catch (error) {
      this.#fail(error);
    }
  }

  #afterRecords(journal: Journal): void {
    this.#log.note(journal);
    if (journal.length >= this.#checkpointAt && this.#checkpointing === undefined) {
      this.checkpoint().catch(() => {
        // A full disk: the journal goes on, and the next attempt comes later.
        this.#checkpointAt += recordsPerCheckpoint;
      });
    }
    if (this.#fresh.count >= freshBlocksPerFlush && !this.#flushing) {
      this.#group.request().catch(() => {
        // The failure is kept, and every later write and flush reports it.
      });
    }
  }

  async #commit(): Promise<void> {
    // Who waited while the sync before this one failed must not be told that his bytes are safe.
    if (this.#failure !== undefined) throw this.#failure;
    const changes = this.#changes;
    const covered = this.#log.recorded;
    const uncovered = this.#log.isUncovered;
    // A full disk is noticed here, before anything is done.
    if (uncovered) this.#log.claim(0);
    const fresh = this.#fresh.take();
    this.#flushing = true;
    try {
      if (this.#dataDirty) {
        this.#dataDirty = false;
        await this.#data.synchronize();
      }
      if (uncovered) await this.#log.cover(covered);
      this.#fresh.settle(fresh);
      this.#flushedChanges = changes;
    } catch (error) {
      throw this.#fail(error);
    } finally {
      this.#flushing = false;
    }
  }

  async #runCheckpoint(): Promise<void> {
    const next = this.#log.rotate();
    if (next === undefined) return;
    const pages = this.states.freeze();
    await this.#group.request();
    await this.#log.replaceOlder(pages, next);
    this.#checkpointAt = recordsPerCheckpoint;
  }

  /** As a checkpoint, when no write can come any more. */
  async #lastCheckpoint(): Promise<void> {
    await this.flush();
    const next = this.#log.retire();
    if (next !== undefined) await this.#log.replaceOlder(this.states.freeze(), next);
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
