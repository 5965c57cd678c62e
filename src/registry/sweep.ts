// Moves entries between valid and expired as the clock passes their time, forwards, and back when the clock was set back.
import { sql } from 'kysely';
import { type Database } from '../db/database.ts';
import { inNumbers } from '../db/dialect.ts';
import { CountChanges } from './counts.ts';
import { readState, writeIndex, type RegistryState } from './state.ts';

/** Entries that are moved in one transaction. */
const batch = 2000;

/** What must be moved to get from `sweptAt` to `now`: (from, to] becomes `status`. */
function range(sweptAt: string, now: string) {
  return sweptAt <= now
    ? ({ after: sweptAt, upTo: now, from: 'valid', to: 'expired', order: 'asc' } as const)
    : ({ after: now, upTo: sweptAt, from: 'expired', to: 'valid', order: 'desc' } as const);
}

/** The first entry that must be moved to get from `sweptAt` to `now`, or, going forwards, the next one after `now`. */
async function nextDue(db: Database, sweptAt: string, now: string): Promise<string | undefined> {
  const backwards = now < sweptAt;
  const entries = db.query
    .selectFrom('entries')
    .select('valid_until')
    .where('valid_until', '>', backwards ? now : sweptAt);
  const row = await (backwards ? entries.where('valid_until', '<=', sweptAt) : entries)
    .orderBy('valid_until')
    .limit(1)
    .executeTakeFirst();
  return row?.valid_until ?? undefined;
}

/** Looks after one database: marks what has expired, and knows when it need not look again. */
export class Sweeper {
  readonly #db: Database;
  /** With the index at this version, nothing is due from one time until before another. */
  #quiet = { version: -1, from: '', until: '' };

  constructor(db: Database) {
    this.#db = db;
  }

  /**
   * Marks what has expired by `now` (`YYYY-MM-DDThh:mm:ssZ`) and returns the state of the index after that. Cheap where
   * nothing has.
   */
  async sweep(now: string): Promise<RegistryState> {
    const state = await readState(this.#db.query);
    const { version, from, until } = this.#quiet;
    if (state.version === version && from <= now && now < until) return state;
    const next = await nextDue(this.#db, state.sweptAt, now);
    const backwards = now < state.sweptAt;
    if (next !== undefined && (backwards || next <= now)) return sweepExpired(this.#db, now);
    if (!backwards) this.#quiet = { version: state.version, from: state.sweptAt, until: next ?? '9999' };
    return state;
  }
}

async function sweepExpired(db: Database, now: string): Promise<RegistryState> {
  for (;;) {
    const finished = await writeIndex(db, async (queries, { sweptAt, version }) => {
      const { after, upTo, from, to, order } = range(sweptAt, now);
      const moved = await queries
        .selectFrom('entries')
        .select(['id', 'class_id', 'replaced_by', 'valid_until', 'status'])
        .where('valid_until', '>', after)
        .where('valid_until', '<=', upTo)
        .where('status', '=', from)
        .orderBy('valid_until', order)
        .limit(batch)
        .execute();
      const counts = new CountChanges();
      for (const row of moved) {
        if (row.replaced_by !== null) continue;
        counts.current(row.class_id, row.status, -1);
        counts.current(row.class_id, to, 1);
      }
      await queries
        .updateTable('entries')
        .set({ status: to })
        .where(
          inNumbers(
            db.dialect,
            sql.ref('id'),
            moved.map(({ id }) => id),
          ),
        )
        .execute();
      await counts.write(queries, version);
      const done = moved.length < batch;
      if (done) await queries.updateTable('registry_state').set({ swept_at: now }).where('id', '=', 1).execute();
      return { leaves: 0, result: done };
    });
    if (finished) return readState(db.query);
  }
}
