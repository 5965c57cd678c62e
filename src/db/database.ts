// Opens the database of one server: typed queries through kysely, the same on every product behind it.
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import SqliteConnection from 'better-sqlite3';
import { Kysely, SqliteDialect } from 'kysely';
import { migrate } from './migrate.ts';
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

/**
 * Opens an SQLite file and brings its tables up to date. A commit returns after the write-ahead log has been synced
 * (`synchronous=FULL`): what was acknowledged is still there after a power cut.
 */
export async function openDatabase({ file }: SqliteLocation): Promise<Database> {
  if (file !== ':memory:') mkdirSync(dirname(file), { recursive: true });
  const connection = new SqliteConnection(file);
  connection.pragma(`busy_timeout = ${busyTimeoutMs}`);
  connection.pragma('journal_mode = WAL');
  connection.pragma('synchronous = FULL');
  connection.pragma('foreign_keys = ON');
  connection.pragma('trusted_schema = OFF');
  connection.pragma(`cache_size = -${cacheKiB}`);
  const query = new Kysely<Tables>({ dialect: new SqliteDialect({ database: statementCache(connection) }) });
  const database: Database = { dialect: 'sqlite', query, close: () => query.destroy() };
  try {
    await migrate(database);
  } catch (error) {
    await database.close();
    throw error;
  }
  return database;
}
