// How many current entries each class has: changes are gathered, and written in one statement.
import { sql } from 'kysely';
import { type Queries } from '../db/database.ts';
import { type StoredStatus } from './index-rows.ts';

type Change = Record<StoredStatus | 'all', number>;

const integer = (value: number) => sql`cast(${value} as bigint)`;

export class CountChanges {
  readonly #changes = new Map<number, Change>();

  /** Adds to the count of current entries of a class. */
  current(classId: number, status: StoredStatus, by: 1 | -1): void {
    this.#of(classId)[status] += by;
  }

  /** An entry that is new in a class, whether current or not. */
  added(classId: number): void {
    this.#of(classId).all += 1;
  }

  /** The classes get `version`, that of the index with these changes. */
  async write(queries: Queries, version: number): Promise<void> {
    if (this.#changes.size === 0) return;
    const rows = Array.from(
      this.#changes,
      ([id, { valid, expired, deprecated, all }]) =>
        sql`(${sql.join([id, valid, expired, deprecated, all].map((value) => integer(value)))})`,
    );
    await sql`with change (id, valid, expired, deprecated, total) as (values ${sql.join(rows)})
      update entry_classes set version = ${version}, valid_count = valid_count + change.valid,
        expired_count = expired_count + change.expired, deprecated_count = deprecated_count + change.deprecated,
        all_count = all_count + change.total
      from change where entry_classes.id = change.id`.execute(queries);
  }

  #of(classId: number): Change {
    const known = this.#changes.get(classId);
    if (known !== undefined) return known;
    const none = { valid: 0, expired: 0, deprecated: 0, all: 0 };
    this.#changes.set(classId, none);
    return none;
  }
}
