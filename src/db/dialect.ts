// The three things that SQLite and PostgreSQL spell differently: a list as one parameter, words, and rows with words.
import { sql, type Expression, type RawBuilder, type SqlBool } from 'kysely';
import { type Dialect, type Queries } from './database.ts';

/** `column in (list)` with the list as one parameter, so that the text of the query does not depend on its length. */
export function inNumbers(dialect: Dialect, column: Expression<unknown>, list: readonly number[]): RawBuilder<SqlBool> {
  return dialect === 'sqlite'
    ? sql<SqlBool>`${column} in (select value from json_each(${JSON.stringify(list)}))`
    : sql<SqlBool>`${column} = any(${list}::bigint[])`;
}

/** Adds the words of an entry to the full-text index. Words are letters and digits only, see registry/words.ts. */
export async function insertWords(
  dialect: Dialect,
  queries: Queries,
  id: number,
  words: readonly string[],
): Promise<void> {
  const statement =
    dialect === 'sqlite'
      ? sql`insert into entry_words (rowid, words) values (${id}, ${words.join(' ')})`
      : sql`insert into entry_words (id, words) values (${id}, array_to_tsvector(${[...words]}::text[]))`;
  await statement.execute(queries);
}

export async function deleteAllWords(dialect: Dialect, queries: Queries): Promise<void> {
  const statement =
    dialect === 'sqlite'
      ? sql`insert into entry_words (entry_words) values ('delete-all')`
      : sql`delete from entry_words`;
  await statement.execute(queries);
}

/** Every word must begin a word of the entry. The words hold letters and digits only, so nothing needs escaping. */
function prefixQuery(dialect: Dialect, words: readonly string[]): string {
  return dialect === 'sqlite'
    ? words.map((word) => `"${word}"*`).join(' AND ')
    : words.map((word) => `'${word}':*`).join(' & ');
}

/** The ids of all entries with these words: for few hits. */
export function idWithWords(dialect: Dialect, id: Expression<unknown>, words: readonly string[]): RawBuilder<SqlBool> {
  const query = prefixQuery(dialect, words);
  return dialect === 'sqlite'
    ? sql<SqlBool>`${id} in (select rowid from entry_words where entry_words match ${query})`
    : sql<SqlBool>`${id} in (select w.id from entry_words w where w.words @@ ${query}::tsquery)`;
}

/** Whether this one entry has these words: for many hits, asked row by row. */
export function rowHasWords(dialect: Dialect, id: Expression<unknown>, words: readonly string[]): RawBuilder<SqlBool> {
  const query = prefixQuery(dialect, words);
  return dialect === 'sqlite'
    ? sql<SqlBool>`exists (select 1 from entry_words where entry_words match ${query} and rowid = ${id})`
    : sql<SqlBool>`exists (select 1 from entry_words w where w.id = ${id} and w.words @@ ${query}::tsquery)`;
}
