// Makes a registry many times as large for the searches alone: the rows that they read, copied in SQL with other keys and
// later dates. Documents, signatures and log are not copied, so such a registry can be searched and nothing else.
import SqliteConnection from 'better-sqlite3';
import { Client } from 'pg';
import { type PostgresLocation, type SqliteLocation } from '../../src/db/database.ts';

/** What the two databases spell differently. */
interface Product {
  run(statement: string): Promise<void>;
  /** The first column of the first row. */
  value(query: string): Promise<unknown>;
  /** An index that is made at the end is made faster. */
  readonly indexes: string;
  /** The rows refer to documents that are not there. */
  readonly unchecked: readonly string[];
  /** Seconds from the first endorsement to the last. */
  readonly span: string;
  readonly later: (seconds: number) => string;
  readonly words: (ids: number, copy: number) => string;
  readonly settled: string;
  close(): Promise<void>;
}

function sqlite({ file }: SqliteLocation): Product {
  const db = new SqliteConnection(file);
  return {
    run: (statement) => {
      db.exec(statement);
      return Promise.resolve();
    },
    value: (query) => Promise.resolve(db.prepare(query).pluck().get()),
    indexes: `select json_group_array(json_object('name', name, 'made', sql)) from sqlite_schema
      where type = 'index' and tbl_name = 'entries' and sql is not null`,
    unchecked: ['pragma foreign_keys = off', 'pragma synchronous = off'],
    span: 'select unixepoch(max(created)) - unixepoch(min(created)) from entries',
    later: (seconds) => `strftime('%Y-%m-%dT%H:%M:%SZ', created, '+${seconds} seconds')`,
    words: (ids, copy) => `insert into entry_words (rowid, words)
      select rowid + ${ids}, words || ' copy${copy}' from entry_words where rowid < ${ids / copy}`,
    settled: 'pragma wal_checkpoint(truncate)',
    close: () => {
      db.close();
      return Promise.resolve();
    },
  };
}

async function postgres({ url }: PostgresLocation): Promise<Product> {
  const client = new Client({ connectionString: url });
  await client.connect();
  const value = async (query: string): Promise<unknown> => {
    const { rows } = await client.query<Record<string, unknown>>(query);
    return Object.values(rows[0] ?? {})[0];
  };
  return {
    run: async (statement) => {
      await client.query(statement);
    },
    value,
    indexes: `select json_agg(json_build_object('name', indexname, 'made', indexdef))::text from pg_indexes
      where tablename in ('entries', 'entry_words') and indexdef not like 'CREATE UNIQUE%'`,
    unchecked: [`set session_replication_role = replica`, `set synchronous_commit = off`],
    span: 'select extract(epoch from max(created)::timestamptz - min(created)::timestamptz)::float from entries',
    later: (seconds) =>
      `to_char(created::timestamptz at time zone 'UTC' + interval '${seconds} seconds', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')`,
    words: (ids, copy) => `insert into entry_words (id, words)
      select id + ${ids}, words || array_to_tsvector(array['copy${copy}']) from entry_words where id < ${ids / copy}`,
    settled: 'vacuum analyze',
    close: () => client.end(),
  };
}

/** Copies the index of a registry until it has `times` as many entries. */
export async function multiplyIndex(location: SqliteLocation | PostgresLocation, times: number): Promise<void> {
  const db = 'file' in location ? sqlite(location) : await postgres(location);
  for (const setting of db.unchecked) await db.run(setting);
  const size = Number(await db.value('select log_size from registry_state'));
  const span = Number(await db.value(db.span)) + 120;
  const indexes = JSON.parse(String(await db.value(db.indexes))) as readonly { name: string; made: string }[];
  for (const { name } of indexes) await db.run(`drop index ${name}`);
  for (let copy = 1; copy < times; copy += 1) {
    const ids = copy * size;
    await db.run('begin');
    await db.run(`insert into entries select id + ${ids}, substr('I${copy}-' || identifier, 1, 40), email,
      ${db.later(copy * span)}, status, replaced_by + ${ids}, valid_until, class_id, tag, title_key || ' ${copy}'
      from entries where id < ${size}`);
    await db.run(`insert into entry_details select id + ${ids}, sha256, accepted_at, weak, metadata, signing_id
      from entry_details where id < ${size}`);
    await db.run(db.words(ids, copy));
    await db.run('commit');
  }
  for (const { made } of indexes) await db.run(made);
  const counts = ['valid_count', 'expired_count', 'deprecated_count', 'all_count'];
  await db.run(`update registry_state set version = version + 1, log_size = log_size * ${times}`);
  await db.run(`update entry_classes set version = (select version from registry_state),
    ${counts.map((count) => `${count} = ${count} * ${times}`).join(', ')}`);
  await db.run(`update endorsers set entries = entries * ${times}, images = images * ${times}`);
  await db.run(db.settled);
  await db.close();
}
