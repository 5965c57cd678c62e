// Opens the database of one server: typed queries through kysely, the same on every product behind it.
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import SqliteConnection from 'better-sqlite3';
import { Kysely, PostgresDialect, SqliteDialect, type LogEvent } from 'kysely';
import { migrate } from './migrate.ts';
import { openPool } from './postgres.ts';
import { statementCache } from './statement-cache.ts';
import { type Tables } from './tables.ts';

/** The product behind the queries. Only full-text search and a list as one parameter are written per dialect. */
export type Dialect = 'sqlite' | 'postgres';

export interface Database {
  readonly dialect: Dialect;
  readonly query: Kysely<Tables>;
  /** Waits for what is running and lets the files or connections go. */
  close(): Promise<void>;
}

/** Where queries may run: the database itself, or one transaction of it. */
export type Queries = Kysely<Tables>;

export interface SqliteLocation {
  /** Path of the file, made (with its folder) where it is missing; `:memory:` for one that is forgotten. */
  readonly file: string;
}

/** Page cache, in KiB. */
const cacheKiB = 64 * 1024;
/** How long a write waits for another process that is writing, in milliseconds. */
const busyTimeoutMs = 10_000;

export interface PostgresLocation {
  /** Such as `postgres://user:secret@host:5432/mintmark`, with every parameter of libpq's that `pg` knows. */
  readonly url: string;
  /** Connections at once, 10 where it is left out. */
  readonly connections?: number;
}

export interface DatabaseOptions {
  /** Is told the text of every query that has run, without its parameters. */
  readonly onQuery?: (text: string) => void;
}

type QueryLog = (event: LogEvent) => void;

/** Commits return after the write-ahead log has been synced: what was acknowledged is there after a power cut. */
function openSqlite(file: string, log: QueryLog): Kysely<Tables> {
  if (file !== ':memory:') mkdirSync(dirname(file), { recursive: true });
  const connection = new SqliteConnection(file);
  connection.pragma(`busy_timeout = ${busyTimeoutMs}`);
  connection.pragma('journal_mode = WAL');
  connection.pragma('synchronous = FULL');
  connection.pragma('foreign_keys = ON');
  connection.pragma('trusted_schema = OFF');
  connection.pragma(`cache_size = -${cacheKiB}`);
  return new Kysely<Tables>({ dialect: new SqliteDialect({ database: statementCache(connection) }), log });
}

/**
 * Opens a database and brings its tables up to date. Throws `db.migration` where that cannot be done, and
 * `db.unreachable` where PostgreSQL does not answer.
 */
export async function openDatabase(
  location: SqliteLocation | PostgresLocation,
  { onQuery }: DatabaseOptions = {},
): Promise<Database> {
  const log: QueryLog = ({ level, query }) => {
    if (level === 'query') onQuery?.(query.sql);
  };
  const [dialect, query]: [Dialect, Kysely<Tables>] =
    'file' in location
      ? ['sqlite', openSqlite(location.file, log)]
      : ['postgres', new Kysely<Tables>({ dialect: new PostgresDialect({ pool: await openPool(location) }), log })];
  const database: Database = { dialect, query, close: () => query.destroy() };
  try {
    await migrate(database);
  } catch (error) {
    await database.close();
    throw error;
  }
  return database;
}
