// Makes a registry many times as large for the searches alone: the rows that they read, copied in SQL with other keys and
// later dates. Documents, signatures and log are not copied, so such a registry can be searched and nothing else.
import SqliteConnection from 'better-sqlite3';

/** Copies the index of a SQLite registry until it has `times` as many entries. */
export function multiplyIndex(file: string, times: number): void {
  const db = new SqliteConnection(file);
  // The rows refer to documents that are not there.
  db.pragma('foreign_keys = OFF');
  db.pragma('synchronous = OFF');
  const state = db.prepare('select log_size as size from registry_state').get() as { readonly size: number };
  const { size } = state;
  const { span } = db
    .prepare(`select unixepoch(max(created)) - unixepoch(min(created)) + 120 as span from entries`)
    .get() as { readonly span: number };
  const copies = [
    `insert into entries select id + :ids, substr('I' || :copy || '-' || identifier, 1, 40), email,
       strftime('%Y-%m-%dT%H:%M:%SZ', created, '+' || :seconds || ' seconds'), status, replaced_by + :ids, valid_until,
       class_id, tag, title_key || ' ' || :copy from entries where id < :size`,
    `insert into entry_details select id + :ids, sha256, accepted_at, weak, metadata, signing_id
       from entry_details where id < :size`,
    `insert into entry_words (rowid, words) select rowid + :ids, words || ' copy' || :copy
       from entry_words where rowid < :size`,
  ].map((text) => db.prepare(text));
  for (let copy = 1; copy < times; copy += 1) {
    const values = { ids: copy * size, copy, seconds: copy * span, size };
    db.transaction(() => {
      for (const statement of copies) {
        const named = Object.fromEntries(
          Object.entries(values).filter(([name]) => statement.source.includes(`:${name}`)),
        );
        statement.run(named);
      }
    })();
  }
  db.exec(`update entry_classes set valid_count = valid_count * ${times}, expired_count = expired_count * ${times},
    deprecated_count = deprecated_count * ${times}, all_count = all_count * ${times}`);
  db.exec(`update registry_state set version = version + 1, log_size = log_size * ${times}`);
  db.exec(`update entry_classes set version = (select version from registry_state)`);
  db.pragma('wal_checkpoint(truncate)');
  db.close();
}
