// Connections to PostgreSQL, set so that rows come out as they do from SQLite, and what befalls the server as faults.
import { type PostgresCursor, type PostgresPool, type PostgresPoolClient, type PostgresQueryResult } from 'kysely';
import { DatabaseError, Pool, TypeOverrides, types as typeIds, type PoolClient } from 'pg';
import { Fault } from '../errors/fault.ts';

/** SQLSTATE (PostgreSQL, Appendix A): connection exceptions, too many connections, shutting down, crashed, starting. */
const away = /^08|^53300$|^57P0[1-5]$/u;
const diskFull = '53100';

/** How `pg` says that a connection broke, where the operating system did not say it. */
const broken = /^(?:Connection terminated|Client has encountered a connection error|timeout exceeded)/u;

/** What a failed query says about the server; what it says about the query is passed on as it is. */
function faultOf(cause: unknown): unknown {
  if (!(cause instanceof Error)) return cause;
  if (cause instanceof DatabaseError) {
    const { code = '' } = cause;
    if (code === diskFull) return new Fault('db.full', 'The database has no room for this', { cause });
    return away.test(code) ? new Fault('db.unreachable', 'PostgreSQL is not ready', { cause }) : cause;
  }
  if (!('syscall' in cause) && !broken.test(cause.message)) return cause;
  return new Fault('db.unreachable', 'PostgreSQL does not answer', { cause });
}

class TellingClient implements PostgresPoolClient {
  readonly #client: PoolClient;

  constructor(client: PoolClient) {
    this.#client = client;
  }

  query<Row>(sql: string, parameters: readonly unknown[]): Promise<PostgresQueryResult<Row>>;
  query<Row>(cursor: PostgresCursor<Row>): PostgresCursor<Row>;
  query(sql: unknown, parameters: readonly unknown[] = []): unknown {
    if (typeof sql !== 'string') throw new Fault('internal', 'Cursors are not used');
    return this.#client.query(sql, [...parameters]).catch((error: unknown) => {
      throw faultOf(error);
    });
  }

  release(): void {
    this.#client.release();
  }
}

/**
 * Throws `db.unreachable` where no connection can be made. Queries of what it gives reject with `db.unreachable` where the
 * server is gone, `db.full` where its disk is.
 */
export async function openPool(location: {
  readonly url: string;
  readonly connections?: number;
}): Promise<PostgresPool> {
  const types = new TypeOverrides();
  // Ids, counts and versions: all far below 2^53.
  types.setTypeParser(typeIds.builtins.INT8, Number);
  const pool = new Pool({
    connectionString: location.url,
    max: location.connections ?? 10,
    connectionTimeoutMillis: 10_000,
    types,
  });
  // A connection that breaks while nobody uses it is replaced; whoever uses one is told by the query: also by the next one,
  // where it broke between two of them.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  const clients = new WeakMap<PoolClient, TellingClient>();
  const connect = async (): Promise<TellingClient> => {
    let client: PoolClient;
    try {
      client = await pool.connect();
    } catch (error) {
      throw faultOf(error);
    }
    const known = clients.get(client);
    if (known !== undefined) return known;
    const telling = new TellingClient(client);
    try {
      // Queries that take milliseconds are not worth a compiler, which is started on a mere estimate of what they cost.
      await telling.query('set jit = off', []);
    } catch (error) {
      client.release(true);
      throw error;
    }
    clients.set(client, telling);
    return telling;
  };
  try {
    (await connect()).release();
  } catch (cause) {
    await pool.end();
    throw cause instanceof Fault ? cause : new Fault('db.unreachable', 'PostgreSQL does not answer', { cause });
  }
  return { connect, end: () => pool.end() };
}
