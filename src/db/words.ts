// The full-text index: the words of entries are written to it, and entries are found by the beginnings of their words.
import { sql, type RawBuilder, type SqlBool } from 'kysely';
import { type Dialect, type Queries } from './database.ts';
import { longestBeginning } from './migrations/0009-beginnings.ts';

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

/** What the index of words knows of one: its first characters. Words hold letters and digits only, nothing needs escaping. */
const beginningOf = (word: string): string => Array.from(word).slice(0, longestBeginning).join('');

/** Whether every word begins one of the vector of words in `column`. */
function vectorHasWords(column: RawBuilder<unknown>, words: readonly string[]): RawBuilder<SqlBool> {
  return sql<SqlBool>`${column} @@ ${words.map((word) => `'${word}':*`).join(' & ')}::tsquery`;
}

/** Whether the text of words in `column` has all of these, as insertWords writes it for SQLite. */
function textHasWords(column: RawBuilder<unknown>, words: readonly string[]): RawBuilder<SqlBool> {
  const begins = words.map((word) => sql<SqlBool>`instr(${column}, ${` ${word}`}) > 0`);
  return begins.length === 0 ? sql<SqlBool>`true` : sql<SqlBool>`${sql.join(begins, sql` and `)}`;
}

export interface WordsPlan {
  /** Of so many of the newest entries … */
  readonly sample: number;
  /** … words are frequent that are in so many. */
  readonly frequent: number;
  /** Newest entries that are walked for frequent words, at most: most often a few thousand of them are enough. */
  readonly mostWalked: number;
}

const wordsPlan: WordsPlan = { sample: 400, frequent: 12, mostWalked: 50_000 };

const newest = (entries: number) => sql`(select id, words from entry_words order by id desc limit ${entries}) as w`;

/**
 * {@link idsWithWords} on PostgreSQL: frequent words are found by walking the newest entries, others by the index of
 * beginnings. Which they are, a look at a few entries tells: its statistics may be old, and know nothing of words that are
 * seldom together.
 */
export function postgresIdsWithWords(
  words: readonly string[],
  limit: number,
  plan: WordsPlan = wordsPlan,
): RawBuilder<unknown> {
  const has = vectorHasWords(sql`words`, words);
  const frequent = sql`(select count(*) from ${newest(plan.sample)} where ${has}) >= ${plan.frequent}`;
  const more = sql`exists (select 1 from entry_words order by id desc limit 1 offset ${plan.mostWalked})`;
  const beginnings = sql`${words.map((word) => beginningOf(word))}::text[]`;
  const long = words.filter((word) => word !== beginningOf(word));
  const whole = long.length === 0 ? sql`true` : vectorHasWords(sql`words`, long);
  const enough = sql`(select count(*) from walked) = ${limit} or ((select yes from frequent) and not ${more})`;
  // An order by an expression keeps the index of ids away: the words lead.
  return sql`with frequent (yes) as materialized (select ${frequent}),
      walked as materialized (
        select id from ${newest(plan.mostWalked)} where (select yes from frequent) and ${has} order by id desc limit ${limit}
      )
    select id from walked where ${enough}
    union all (
      select id from entry_words where not (${enough}) and word_beginnings(words) @> ${beginnings} and ${whole}
      order by id + 0 desc limit ${limit}
    )`;
}

/** A query of the ids of the newest entries with these words, at least one; at most `limit`. */
export function idsWithWords(dialect: Dialect, words: readonly string[], limit: number): RawBuilder<unknown> {
  if (dialect === 'postgres') return postgresIdsWithWords(words, limit);
  const query = words.map((word) => `"${beginningOf(word)}"*`).join(' AND ');
  const long = words.filter((word) => word !== beginningOf(word));
  return sql`select rowid as id from entry_words where entry_words match ${query}
    and ${textHasWords(sql`words`, long)} order by rowid desc limit ${limit}`;
}

/** Whether this one entry has these words: where so many have them that the index of words is no help. */
export function rowHasWords(dialect: Dialect, id: RawBuilder<unknown>, words: readonly string[]): RawBuilder<SqlBool> {
  if (dialect === 'postgres') {
    return sql<SqlBool>`exists (select 1 from entry_words w where w.id = ${id} and ${vectorHasWords(sql`w.words`, words)})`;
  }
  return sql<SqlBool>`exists (select 1 from entry_words w where w.rowid = ${id} and ${textHasWords(sql`w.words`, words)})`;
}
