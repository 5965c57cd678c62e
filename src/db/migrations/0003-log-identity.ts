// The name and the key of the log of decisions, once they are known to others.
import { type Dialect } from '../database.ts';

export function logIdentityTables(dialect: Dialect): readonly string[] {
  const text = dialect === 'postgres' ? 'text collate "C"' : 'text';
  return [
    // One row. `verifier` is null where the log was begun before it was kept.
    `create table log_identity (
       id integer primary key check (id = 1),
       name ${text} not null,
       verifier ${text}
     )`,
    `insert into log_identity (id, name) select 1, 'mintmark' from registry_state where log_size > 0`,
  ];
}
