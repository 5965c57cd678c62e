// The journals and the map of a head: what was recorded, what of it is safe, and the files that are needed no more.
import { join } from 'node:path';
import { Fault } from '../../../errors/fault.ts';
import { type FrozenPages } from './block-states.ts';
import { MapFile, writeMap } from './checkpoint.ts';
import { type FoundFiles, type HeadPlace, journalName, mapName } from './head-files.ts';
import { Journal } from './journal.ts';
import { recordKind } from './journal-record.ts';

export class HeadLog {
  readonly #place: HeadPlace;
  #map: MapFile | undefined;
  #journal: Journal | undefined;
  /** Journals whose records no map holds yet, oldest first. */
  #older: Journal[] = [];
  #nextGeneration: number;
  /** Sequence number of the first record of the next journal, where none is open. */
  #nextSequence: number;
  /** Sequence numbers of the last record that says something of a block, and of the last one that a flush covered. */
  #recorded = 0;
  #covered = 0;
  #directoryDirty = false;
  /** Files that were replayed, until a map holds all that they say. */
  #superseded: readonly string[] | undefined;
  #finishing: Promise<void> | undefined;

  constructor(place: HeadPlace, found: FoundFiles) {
    this.#place = place;
    this.#map = found.map;
    this.#nextGeneration = found.nextGeneration;
    this.#nextSequence = found.map?.values.nextSequence ?? 1;
  }

  /** Goes on after a replay of the files with these names, whose records end before `nextSequence`. */
  async resume(names: readonly string[], replayed: { nextSequence: number; changed: boolean }): Promise<void> {
    this.#nextSequence = replayed.nextSequence;
    this.#recorded = replayed.nextSequence - 1;
    this.#covered = this.#recorded;
    if (replayed.changed) this.#superseded = names;
    else await this.#removeOutdated(names);
  }

  get nextSequence(): number {
    return this.#nextSequence;
  }

  get recorded(): number {
    return this.#recorded;
  }

  /** Whether records wait for a flush. */
  get isUncovered(): boolean {
    return this.#recorded > this.#covered;
  }

  /** Whether what was replayed is not yet in a map, so that nothing may be recorded after it. */
  get isUnfinished(): boolean {
    return this.#superseded !== undefined;
  }

  /** A page of the newest map. */
  page(index: number): Buffer | undefined {
    return this.#map?.page(index);
  }

  /** The open journal, with room for so many records. Throws `volumes.full`. */
  claim(records: number): Journal {
    this.#journal ??= this.#begin(this.#nextSequence);
    this.#journal.claim(records);
    return this.#journal;
  }

  /** Records that say something of blocks were appended. */
  note(journal: Journal): void {
    this.#recorded = journal.lastSequence;
  }

  /** Says that all records up to `covered`, and the bytes that they speak of, are safe; then makes that so. One call at a time. */
  async cover(covered: number): Promise<void> {
    // A checkpoint may have begun another journal meanwhile: its FLUSH covers the records of the older ones too.
    const journal = this.claim(0);
    journal.append(recordKind.flush, covered, 0);
    for (const older of [...this.#older, journal]) await older.synchronize();
    if (this.#directoryDirty) {
      this.#directoryDirty = false;
      await this.#place.files.synchronizeDirectory(this.#place.directory);
    }
    this.#covered = covered;
  }

  async seal(): Promise<void> {
    if (this.#journal === undefined) return;
    this.#journal.append(recordKind.seal, 0, 0);
    await this.#journal.synchronize();
  }

  /** Begins another journal; a map with its number is to hold what the older ones say. */
  rotate(): { readonly generation: number; readonly nextSequence: number } | undefined {
    const journal = this.#journal;
    if (journal === undefined) return undefined;
    const next = this.#begin(journal.lastSequence + 2);
    journal.append(recordKind.checkpoint, 0, 0);
    this.#older.push(journal);
    this.#journal = next;
    return { generation: next.generation, nextSequence: next.firstSequence };
  }

  /** As {@link rotate}, when no record can come any more: without another journal. */
  retire(): { readonly generation: number; readonly nextSequence: number } | undefined {
    const journal = this.#journal;
    if (journal === undefined) return undefined;
    this.#journal = undefined;
    this.#older.push(journal);
    this.#nextGeneration += 1;
    return { generation: this.#nextGeneration - 1, nextSequence: journal.lastSequence + 1 };
  }

  /** Writes the map that makes all journals but the open one superfluous, and removes them. */
  async replaceOlder(
    pages: FrozenPages,
    { generation, nextSequence }: { readonly generation: number; readonly nextSequence: number },
  ): Promise<void> {
    const { files, directory } = this.#place;
    const superfluous = [...this.#older];
    const before = this.#map;
    await this.#writeMap(pages, generation, nextSequence);
    this.#older = this.#older.filter((older) => !superfluous.includes(older));
    for (const older of superfluous) {
      older.closeSync();
      await files.remove(join(directory, journalName(older.generation)));
    }
    if (before !== undefined) await files.remove(join(directory, mapName(before.values.generation)));
  }

  /** Writes the map of what was replayed. Throws `volumes.full`, and can be tried again then. */
  finish(pages: () => FrozenPages): Promise<void> {
    const superseded = this.#superseded;
    if (superseded === undefined) return Promise.resolve();
    this.#finishing ??= this.#finishNow(superseded, pages()).finally(() => {
      this.#finishing = undefined;
    });
    return this.#finishing;
  }

  closeSync(): void {
    for (const journal of this.#older) journal.closeSync();
    this.#journal?.closeSync();
    this.#map?.closeSync();
  }

  #begin(firstSequence: number): Journal {
    const { files, directory, salt } = this.#place;
    const generation = this.#nextGeneration;
    const file = files.openSync(join(directory, journalName(generation)), 'create');
    this.#nextGeneration += 1;
    this.#directoryDirty = true;
    try {
      const journal = Journal.begin(file, { generation, firstSequence, salt });
      journal.claim(0);
      return journal;
    } catch (error) {
      file.closeSync();
      throw error;
    }
  }

  async #finishNow(superseded: readonly string[], pages: FrozenPages): Promise<void> {
    this.#nextGeneration += 1;
    await this.#writeMap(pages, this.#nextGeneration - 1, this.#nextSequence);
    this.#superseded = undefined;
    await this.#removeOutdated(superseded);
  }

  async #removeOutdated(names: readonly string[]): Promise<void> {
    const { files, directory } = this.#place;
    const kept = this.#map === undefined ? undefined : mapName(this.#map.values.generation);
    for (const name of names) if (name !== kept) await files.remove(join(directory, name));
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
}

/** Whether something could not be done only because there is no space. */
export function isFull(error: unknown): boolean {
  return error instanceof Fault && error.code === 'volumes.full';
}
