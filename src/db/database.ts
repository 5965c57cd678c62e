// Opens the database of one server: typed queries through kysely, the same on every product behind it.
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import SqliteConnection from 'better-sqlite3';
import { Kysely, PostgresDialect, SqliteDialect, type LogEvent } from 'kysely';
import { GroupCommit } from './group-commit.ts';
import { migrate } from './migrate.ts';
import { openPool } from './postgres.ts';
import { writerPragmas } from './sqlite/pragmas.ts';
import { statementCache } from './sqlite/statement-cache.ts';
import { threadedSqlite } from './sqlite/threaded-dialect.ts';
import { type Tables } from './tables.ts';

/** The product behind the queries. Only full-text search and a list as one parameter are written per dialect. */
export type Dialect = 'sqlite' | 'postgres';

export interface Database {
  readonly dialect: Dialect;
  readonly query: Kysely<Tables>;
  /** Runs work in a transaction that others may share, so it may run twice; see {@link GroupCommit.write}. */
  readonly write: <Result>(work: (queries: Queries) => Promise<Result>) => Promise<Result>;
  /** Waits for what is running and lets the files or connections go. */
  close(): Promise<void>;
}

/** Where queries may run: the database itself, or one transaction of it. */
export type Queries = Kysely<Tables>;

export interface SqliteLocation {
  /** Path of the file, made (with its folder) where it is missing; `:memory:` for one that is forgotten. */
  readonly file: string;
  /**
   * Threads that read, beside one that writes: for a server, whose own thread then never waits for the disk or a long
   * query. Left out, everything runs in the calling thread.
   */
  readonly readers?: number;
}

export interface PostgresLocation {
  /** Such as `postgres://user:secret@host:5432/mintmark`, with every parameter of libpq's that `pg` knows. */
  readonly url: string;
  /** Connections at once, 10 where it is left out. */
  readonly connections?: number;
}

export interface DatabaseOptions {
  /** Is told of every query that has run. */
  readonly onQuery?: (text: string, parameters: readonly unknown[]) => void;
}

type QueryLog = (event: LogEvent) => void;

function openSqlite({ file, readers }: SqliteLocation, log: QueryLog): Kysely<Tables> {
  if (file !== ':memory:') mkdirSync(dirname(file), { recursive: true });
  if (readers !== undefined && file !== ':memory:') {
    return new Kysely<Tables>({ dialect: threadedSqlite(file, readers), log });
  }
  const connection = new SqliteConnection(file);
  for (const pragma of writerPragmas) connection.pragma(pragma);
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
    if (level === 'query') onQuery?.(query.sql, query.parameters);
  };
  const [dialect, query]: [Dialect, Kysely<Tables>] =
    'file' in location
      ? ['sqlite', openSqlite(location, log)]
      : ['postgres', new Kysely<Tables>({ dialect: new PostgresDialect({ pool: await openPool(location) }), log })];
  const commits = new GroupCommit(query);
  const database: Database = {
    dialect,
    query,
    write: (work) => commits.write(work),
    close: () => query.destroy(),
  };
  try {
    await migrate(database);
  } catch (error) {
    await database.close();
    throw error;
  }
  return database;
}
