// Who signed and what was checked is the same for most documents of an endorser: kept once, not with every entry.
import { type Dialect } from '../database.ts';

/** Every row with the id of the first that says the same. */
const firstAlike = `select id, signer, steps, min(id) over (partition by signer, steps) as first from entry_details`;

export function signingTables(dialect: Dialect): readonly string[] {
  const postgres = dialect === 'postgres';
  const text = postgres ? 'text collate "C"' : 'text';
  const integer = postgres ? 'bigint' : 'integer';
  return [
    // `digest` is a SHA-256 of signer and steps. Rows never change.
    `create table signings (
       id ${integer} primary key,
       digest ${text} not null unique,
       signer ${text} not null,
       steps ${text} not null
     )`,
    // SQLite has no SHA-256: what was here before is found by no digest, and is stored once more for the next upload.
    `insert into signings (id, digest, signer, steps)
       select id, 'of entry ' || id, signer, steps from (${firstAlike}) as alike where id = first`,
    `alter table entry_details add column signing_id ${integer} references signings (id)`,
    `update entry_details set signing_id = alike.first from (${firstAlike}) as alike where alike.id = entry_details.id`,
    `alter table entry_details drop column signer`,
    `alter table entry_details drop column steps`,
  ];
}
