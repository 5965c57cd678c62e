// The peer of a list: the statements that the registry sends for its page, run again by the database's own library alone.
import SqliteConnection from 'better-sqlite3';
import { Client } from 'pg';
import { openDatabase, type PostgresLocation, type SqliteLocation } from '../../src/db/database.ts';
import { readerPragmas } from '../../src/db/sqlite/pragmas.ts';
import { entryQuerySchema } from '../../src/registry/query.ts';
import { openRegistry } from '../../src/registry/registry.ts';
import { timed, type Times } from './time.ts';

interface Statement {
  readonly text: string;
  readonly parameters: readonly unknown[];
}

const verify = (): Promise<never> => Promise.reject(new Error('nothing is uploaded here'));

/** What the registry asks the database for the page of each list (`/metadata?…`); counts come from its memory. */
async function pageStatements(
  location: SqliteLocation | PostgresLocation,
  paths: readonly string[],
): Promise<readonly (readonly Statement[])[]> {
  let sent: Statement[] = [];
  const onQuery = (text: string, parameters: readonly unknown[]): void => {
    if (text.includes('entry_details')) sent.push({ text, parameters });
  };
  const db = await openDatabase('file' in location ? { file: location.file } : location, { onQuery });
  const registry = openRegistry({ db, verify, now: () => new Date() });
  const all: Statement[][] = [];
  for (const path of paths) {
    sent = [];
    const parameters = new URL(path, 'http://localhost').searchParams;
    await registry.find(entryQuerySchema.parse(Object.fromEntries(parameters)));
    all.push(sent);
  }
  await db.close();
  return all;
}

async function openLibrary(location: SqliteLocation | PostgresLocation) {
  if ('file' in location) {
    const connection = new SqliteConnection(location.file);
    for (const pragma of readerPragmas) connection.pragma(pragma);
    const prepared = new Map<string, SqliteConnection.Statement>();
    return {
      run: ({ text, parameters }: Statement) => {
        const statement = prepared.get(text) ?? connection.prepare(text);
        prepared.set(text, statement);
        return Promise.resolve(statement.all(parameters));
      },
      close: () => {
        connection.close();
        return Promise.resolve();
      },
    };
  }
  const client = new Client({ connectionString: location.url });
  await client.connect();
  return {
    run: ({ text, parameters }: Statement) => client.query(text, [...parameters]),
    close: () => client.end(),
  };
}

/** Times the statements of each list, one list after the other; all were run before. */
export async function bareTimes(location: SqliteLocation | PostgresLocation, paths: readonly string[]): Promise<Times> {
  const lists = await pageStatements(location, paths);
  const library = await openLibrary(location);
  const run = async (number: number): Promise<void> => {
    for (const statement of lists[number] ?? []) await library.run(statement);
  };
  try {
    await timed(Math.min(20, lists.length), 1, run);
    return await timed(lists.length, 1, run);
  } finally {
    await library.close();
  }
}
