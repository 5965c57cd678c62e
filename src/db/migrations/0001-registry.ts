// Tables of the registry: documents and log are truth; entries, classes, words and endorsers are an index of them.
import { type Dialect } from '../database.ts';

export function registryTables(dialect: Dialect): readonly string[] {
  const postgres = dialect === 'postgres';
  // Order and comparison by bytes on both: cursors rely on it.
  const text = postgres ? 'text collate "C"' : 'text';
  const bytes = postgres ? 'bytea' : 'blob';
  const integer = postgres ? 'bigint' : 'integer';
  return [
    // One row. `version` grows with every change of the index, and its row lock puts writers in a line.
    `create table registry_state (
       id integer primary key check (id = 1),
       version ${integer} not null,
       log_size ${integer} not null,
       swept_at ${text} not null
     )`,
    `insert into registry_state (id, version, log_size, swept_at) values (1, 0, 0, '0000')`,

    // Truth: the signed bytes, exactly as they came.
    `create table documents (
       id ${integer} primary key,
       sha256 ${text} not null unique,
       identifier ${text} not null,
       email ${text} not null,
       created ${text} not null,
       accepted_at ${text} not null,
       bytes ${bytes} not null,
       unique (identifier, email, created)
     )`,
    // Truth: every decision, in order; address and detail are for the site's own eyes and no part of the leaf.
    `create table log_leaves (
       seq ${integer} primary key,
       leaf ${bytes} not null,
       address ${text},
       detail ${text}
     )`,
    // Hashes of complete subtrees: height 0 are the leaves. Computed from the leaves.
    `create table log_nodes (
       height integer not null,
       position ${integer} not null,
       hash ${bytes} not null,
       primary key (height, position)
     )${postgres ? '' : ' without rowid'}`,

    // Index. One row for each combination of facet values, with how many entries have it.
    `create table entry_classes (
       id ${integer} primary key,
       facets ${text} not null unique,
       valid_count ${integer} not null,
       expired_count ${integer} not null,
       deprecated_count ${integer} not null,
       all_count ${integer} not null,
       version ${integer} not null
     )`,
    `create index entry_classes_by_version on entry_classes (version)`,
    `create table entries (
       id ${integer} primary key references documents (id),
       identifier ${text} not null,
       email ${text} not null,
       created ${text} not null,
       status ${text} not null check (status in ('valid', 'expired', 'deprecated')),
       replaced_by ${integer},
       valid_until ${text},
       class_id ${integer} not null references entry_classes (id),
       tag ${text},
       title_key ${text} not null,
       unique (identifier, email, created)
     )`,
    `create index entries_current_by_created on entries (status, created, id, class_id) where replaced_by is null`,
    `create index entries_current_by_title on entries (status, title_key, id, class_id) where replaced_by is null`,
    `create index entries_of_class_by_created on entries (class_id, status, created, id) where replaced_by is null`,
    `create index entries_of_class_by_title on entries (class_id, status, title_key, id) where replaced_by is null`,
    `create index entries_by_created on entries (created, id, class_id)`,
    `create index entries_by_title on entries (title_key, id, class_id)`,
    `create index entries_by_class on entries (class_id, status)`,
    `create index entries_by_email on entries (email, created, id)`,
    `create index entries_by_tag on entries (email, tag, created) where tag is not null`,
    `create index entries_by_replaced on entries (replaced_by) where replaced_by is not null`,
    `create index entries_by_valid_until on entries (valid_until) where valid_until is not null`,
    `create table entry_details (
       id ${integer} primary key references entries (id) on delete cascade,
       sha256 ${text} not null,
       accepted_at ${text} not null,
       weak integer not null,
       metadata ${text} not null,
       signer ${text} not null,
       steps ${text} not null
     )`,
    ...(postgres
      ? [
          `create table entry_words (id bigint primary key references entries (id) on delete cascade, words tsvector not null)`,
          `create index entry_words_by_word on entry_words using gin (words)`,
        ]
      : [
          // An index for each length of beginning: a search then walks one list per word, and gathers none.
          `create virtual table entry_words using fts5(words, prefix='1 2 3 4 5 6 7 8', tokenize='unicode61 remove_diacritics 0')`,
        ]),
    `create table endorsers (
       email ${text} primary key,
       subject ${text} not null,
       issuer ${text} not null,
       fingerprint ${text} not null,
       first_created ${text} not null,
       last_created ${text} not null,
       entries ${integer} not null,
       images ${integer} not null
     )`,
    `create index endorsers_by_last on endorsers (last_created, email)`,
  ];
}
