// Tables of the logs that this registry follows: how far, and the hashes by which a change of the past is noticed.
import { type Dialect } from '../database.ts';

export function mirrorTables(dialect: Dialect): readonly string[] {
  const postgres = dialect === 'postgres';
  const text = postgres ? 'text collate "C"' : 'text';
  const integer = postgres ? 'bigint' : 'integer';
  return [
    // `size` leaves have been proven to be in the log; the documents of the first `followed` of them have been dealt with.
    `create table mirrors (
       verifier ${text} primary key,
       size ${integer} not null,
       followed ${integer} not null
     )`,
    `create table mirror_leaves (
       verifier ${text} not null references mirrors (verifier) on delete cascade,
       seq ${integer} not null,
       leaf ${postgres ? 'bytea' : 'blob'} not null,
       primary key (verifier, seq)
     )`,
    `create table mirror_nodes (
       verifier ${text} not null references mirrors (verifier) on delete cascade,
       height integer not null,
       position ${integer} not null,
       hash ${postgres ? 'bytea' : 'blob'} not null,
       primary key (verifier, height, position)
     )`,
  ];
}
