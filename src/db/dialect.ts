// The three things that SQLite and PostgreSQL spell differently: a list as one parameter, words, and rows with words.
import { sql, type Expression, type RawBuilder, type SqlBool } from 'kysely';
import { type Dialect, type Queries } from './database.ts';

/** `column in (list)` with the list as one parameter, so that the text of the query does not depend on its length. */
export function inNumbers(dialect: Dialect, column: Expression<unknown>, list: readonly number[]): RawBuilder<SqlBool> {
  return dialect === 'sqlite'
    ? sql<SqlBool>`${column} in (select value from json_each(${JSON.stringify(list)}))`
    : sql<SqlBool>`${column} = any(${list}::bigint[])`;
}

/** The words of one entry: letters and digits only, see registry/words.ts. */
export interface WordsOfEntry {
  readonly id: number;
  readonly words: readonly string[];
}

/** Adds the words of entries, at least one, to the full-text index. */
export async function insertWords(dialect: Dialect, queries: Queries, entries: readonly WordsOfEntry[]): Promise<void> {
  // The blank in front lets a row be asked for the beginnings of words, see rowHasWords.
  const statement =
    dialect === 'sqlite'
      ? sql`insert into entry_words (rowid, words)
          values ${sql.join(entries.map(({ id, words }) => sql`(${id}, ${` ${words.join(' ')}`})`))}`
      : sql`insert into entry_words (id, words) select id, array_to_tsvector(string_to_array(words, ' '))
          from unnest(${entries.map(({ id }) => id)}::bigint[], ${entries.map(({ words }) => words.join(' '))}::text[])
          as w (id, words)`;
  await statement.execute(queries);
}

export async function deleteAllWords(queries: Queries): Promise<void> {
  await sql`delete from entry_words`.execute(queries);
}

/** Longest beginning that SQLite has an index for (migrations/0001-registry.ts). */
const longestPrefix = 8;

/** Every word must begin a word of the entry. The words hold letters and digits only, so nothing needs escaping. */
function prefixQuery(dialect: Dialect, words: readonly string[]): string {
  return dialect === 'sqlite'
    ? words.map((word) => `"${word.slice(0, longestPrefix)}"*`).join(' AND ')
    : words.map((word) => `'${word}':*`).join(' & ');
}

/** Whether the text of words in `column` has all of these, as insertWords writes it for SQLite. */
function textHasWords(column: RawBuilder<unknown>, words: readonly string[]): RawBuilder<SqlBool> {
  const begins = words.map((word) => sql<SqlBool>`instr(${column}, ${` ${word}`}) > 0`);
  return begins.length === 0 ? sql<SqlBool>`true` : sql<SqlBool>`${sql.join(begins, sql` and `)}`;
}

/** A query of the ids of the newest entries with these words, at most `limit`. */
export function idsWithWords(dialect: Dialect, words: readonly string[], limit: number): RawBuilder<unknown> {
  const query = prefixQuery(dialect, words);
  const long = words.filter((word) => word.length > longestPrefix);
  return dialect === 'sqlite'
    ? sql`select rowid as id from entry_words where entry_words match ${query}
        and ${textHasWords(sql`words`, long)} order by rowid desc limit ${limit}`
    : sql`select id from entry_words where words @@ ${query}::tsquery order by id desc limit ${limit}`;
}

/** Whether this one entry has these words: where so many have them that the index of words is no help. */
export function rowHasWords(dialect: Dialect, id: RawBuilder<unknown>, words: readonly string[]): RawBuilder<SqlBool> {
  if (dialect === 'postgres') {
    const query = prefixQuery(dialect, words);
    return sql<SqlBool>`exists (select 1 from entry_words w where w.id = ${id} and w.words @@ ${query}::tsquery)`;
  }
  return sql<SqlBool>`exists (select 1 from entry_words w where w.rowid = ${id} and ${textHasWords(sql`w.words`, words)})`;
}
