// What the journals of a head say about its blocks after a crash: pure, but for one question about the bytes on the disk.
import { blockState, type BlockStates } from './block-states.ts';
import { type ReadJournal } from './journal.ts';
import { type JournalRecord, recordKind } from './journal-record.ts';

export interface Replayed {
  /** Sequence number that the next record must bear. */
  readonly nextSequence: number;
  /** Whether any record was found. */
  readonly changed: boolean;
}

/** The records of journals that follow each other, and the checkpoint, without a gap. */
function connected(journals: readonly ReadJournal[], firstSequence: number): JournalRecord[] {
  const records: JournalRecord[] = [];
  let expected = firstSequence;
  for (const journal of journals) {
    if (journal.firstSequence !== expected) break;
    for (const record of journal.records) records.push(record);
    expected += journal.records.length;
  }
  return records;
}

/** Records that name blocks which wait for their checksum to be compared. */
class Candidates {
  readonly #checks = new Map<number, number[]>();

  add(block: number, check: number): void {
    const known = this.#checks.get(block);
    if (known === undefined) this.#checks.set(block, [check]);
    else known.push(check);
  }

  drop(block: number, count: number): void {
    if (count > this.#checks.size) {
      for (const known of this.#checks.keys()) if (known >= block && known < block + count) this.#checks.delete(known);
      return;
    }
    for (let index = 0; index < count; index += 1) this.#checks.delete(block + index);
  }

  entries(): Iterable<[number, number[]]> {
    return this.#checks;
  }
}

/**
 * Applies journals, oldest first, to the states of the checkpoint before them, which ends just before `firstSequence`.
 *
 * Up to the last FLUSH every record counts. After it, ZERO and INHERIT count; MAP counts where the head already held
 * the block at that point (it was overwritten in place), or where the bytes of the block (`checkOf`) match a checksum that was recorded since.
 */
export function replay(
  states: BlockStates,
  journals: readonly ReadJournal[],
  firstSequence: number,
  checkOf: (block: number) => number,
): Replayed {
  const records = connected(journals, firstSequence);
  let covered = 0;
  for (const record of records) if (record.kind === recordKind.flush) covered = Math.max(covered, record.block);
  const candidates = new Candidates();
  for (const record of records) {
    switch (record.kind) {
      case recordKind.map:
        if (record.sequence <= covered) {
          states.set(record.block, record.count, blockState.data);
        } else {
          for (const [index, check] of record.blockChecks.entries()) {
            if (states.get(record.block + index) !== blockState.data) candidates.add(record.block + index, check);
          }
        }
        break;
      case recordKind.zero:
      case recordKind.inherit: {
        candidates.drop(record.block, record.count);
        const state = record.kind === recordKind.zero ? blockState.zero : blockState.inherit;
        states.set(record.block, record.count, state);
        break;
      }
      case recordKind.flush:
      case recordKind.seal:
      case recordKind.checkpoint:
        break;
    }
  }
  for (const [block, checks] of candidates.entries()) {
    if (checks.includes(checkOf(block))) states.set(block, 1, blockState.data);
  }
  return { nextSequence: firstSequence + records.length, changed: records.length > 0 };
}
