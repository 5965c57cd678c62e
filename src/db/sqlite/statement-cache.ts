// Prepared statements of one SQLite connection, kept by their text: preparing costs more than most of the queries.
import { type Database as SqliteConnection } from 'better-sqlite3';
import { type SqliteDatabase, type SqliteStatement } from 'kysely';

/** Statements that are kept; the one that was not used for longest goes first. */
const kept = 256;

/** The connection as kysely wants it, with a cache in front of `prepare`. */
export function statementCache(connection: SqliteConnection): SqliteDatabase {
  const statements = new Map<string, SqliteStatement>();
  return {
    close: () => {
      statements.clear();
      connection.close();
    },
    prepare(wanted) {
      // SQLite takes a transaction back by itself where the disk is full: that it cannot be taken back twice must not hide why.
      const text = wanted === 'rollback' && !connection.inTransaction ? 'select 1' : wanted;
      const known = statements.get(text);
      const statement = known ?? connection.prepare(text);
      statements.delete(text);
      statements.set(text, statement);
      if (statements.size > kept) {
        const [oldest] = statements.keys();
        if (oldest !== undefined) statements.delete(oldest);
      }
      return statement;
    },
  };
}
