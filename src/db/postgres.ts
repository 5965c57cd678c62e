// Connections to PostgreSQL, set so that rows come out as they do from SQLite.
import { Pool, TypeOverrides, types as typeIds } from 'pg';
import { Fault } from '../errors/fault.ts';

/** Throws `db.unreachable` where no connection can be made. */
export async function openPool(location: { readonly url: string; readonly connections?: number }): Promise<Pool> {
  const types = new TypeOverrides();
  // Ids, counts and versions: all far below 2^53.
  types.setTypeParser(typeIds.builtins.INT8, Number);
  const pool = new Pool({
    connectionString: location.url,
    max: location.connections ?? 10,
    connectionTimeoutMillis: 10_000,
    types,
  });
  // A connection that breaks while nobody uses it is replaced; whoever uses one gets the error there.
  pool.on('error', () => undefined);
  try {
    const client = await pool.connect();
    client.release();
  } catch (cause) {
    await pool.end();
    throw new Fault('db.unreachable', 'PostgreSQL does not answer', { cause });
  }
  return pool;
}
