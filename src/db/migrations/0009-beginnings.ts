// Beginnings of words on PostgreSQL: a key of the index for each, so that a search gathers no words that begin alike.
import { type Dialect } from '../database.ts';

/** Characters of the longest beginning that the index of words knows; SQLite's too (0001-registry.ts). */
export const longestBeginning = 8;

export function wordBeginnings(dialect: Dialect): readonly string[] {
  if (dialect === 'sqlite') return [];
  return [
    // So dear that it is never taken for a filter; threads that wait for it would cost more than they save.
    `create function word_beginnings(words tsvector) returns text[]
       language sql immutable strict parallel unsafe cost 10000 as $$
         select array_agg(left(word, characters)) from unnest(tsvector_to_array(words)) as w (word),
           generate_series(1, least(${longestBeginning}, length(word))) as l (characters)
       $$`,
    // What was added lately is looked through key by key: let it be little.
    `create index entry_words_by_beginning on entry_words using gin (word_beginnings(words))
       with (gin_pending_list_limit = 256)`,
    `drop index entry_words_by_word`,
  ];
}
