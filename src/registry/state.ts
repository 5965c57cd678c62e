// The one row that all writers of the registry queue at, and that readers look at to know how new the index is.
import { type Database, type Queries } from '../db/database.ts';
import { Fault } from '../errors/fault.ts';

export interface RegistryState {
  /** Grows with every change of the index. */
  readonly version: number;
  /** Leaves in the log. Entries have ids below it. */
  readonly logSize: number;
  /** Up to when entries that expire have been marked so. */
  readonly sweptAt: string;
}

export async function readState(queries: Queries): Promise<RegistryState> {
  const row = await queries
    .selectFrom('registry_state')
    .select(['version', 'log_size as logSize', 'swept_at as sweptAt'])
    .where('id', '=', 1)
    .executeTakeFirstOrThrow();
  return row;
}

/** PostgreSQL's failures are faults already. */
function faultOf(error: unknown): unknown {
  const full = error instanceof Error && 'code' in error && error.code === 'SQLITE_FULL';
  return full ? new Fault('db.full', 'The database has no room for this', { cause: error }) : error;
}

/**
 * Runs `write` in a transaction that has taken the registry's row first, so writers follow one another on both databases;
 * those that wait at the same moment may share a transaction, and `write` may run twice (db/group-commit.ts). The state
 * handed in has the new version; `write` says how many leaves it added. Throws `db.full`, having changed nothing, where the
 * disk is full, and `db.unreachable` where PostgreSQL is gone: whether it was written is not known then.
 */
export async function writeIndex<Result>(
  db: Database,
  write: (queries: Queries, state: RegistryState) => Promise<{ readonly leaves: number; readonly result: Result }>,
): Promise<Result> {
  try {
    return await db.write(async (queries) => {
      const state = await queries
        .updateTable('registry_state')
        .set((row) => ({ version: row('version', '+', 1) }))
        .where('id', '=', 1)
        .returning(['version', 'log_size as logSize', 'swept_at as sweptAt'])
        .executeTakeFirstOrThrow();
      const { leaves, result } = await write(queries, state);
      if (leaves > 0) {
        await queries
          .updateTable('registry_state')
          .set({ log_size: state.logSize + leaves })
          .where('id', '=', 1)
          .execute();
      }
      return result;
    });
  } catch (error) {
    throw faultOf(error);
  }
}
