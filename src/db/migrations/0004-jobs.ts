// The table of jobs: what is to be done, what was done, and why it failed. Structured members are JSON.
import { type Dialect } from '../database.ts';

export function jobTables(dialect: Dialect): readonly string[] {
  const postgres = dialect === 'postgres';
  const text = postgres ? 'text collate "C"' : 'text';
  const integer = postgres ? 'bigint' : 'integer';
  const active = `state in ('queued', 'running', 'retrying')`;
  return [
    `create table jobs (
       id ${postgres ? 'bigint generated always as identity primary key' : 'integer primary key autoincrement'},
       -- The vault that it is about: jobs of other vaults are not the business of this one's servers.
       place ${text} not null,
       kind ${text} not null,
       job_key ${text} not null,
       data ${text} not null,
       priority integer not null,
       state ${text} not null check (state in ('queued', 'running', 'retrying', 'done', 'failed', 'cancelled')),
       created_at ${text} not null,
       run_at ${text} not null,
       started_at ${text},
       finished_at ${text},
       cancelling integer not null,
       worker ${text},
       lease_until ${text},
       failures integer not null,
       losses integer not null,
       attempts ${text} not null,
       progress ${text},
       result ${text},
       failure ${text},
       version ${integer} not null
     )`,
    // At most one of a kind and key at a time, over all processes.
    `create unique index jobs_active on jobs (place, kind, job_key) where ${active}`,
    `create index jobs_due on jobs (place, kind, priority, id, run_at) where state in ('queued', 'retrying')`,
    `create index jobs_leased on jobs (place, lease_until) where state = 'running'`,
    `create index jobs_by_key on jobs (place, kind, job_key, id)`,
    `create index jobs_finished on jobs (place, finished_at) where finished_at is not null`,
    // One row: those who ring each other over Redis tell one site from another by it.
    `create table job_site (id integer primary key check (id = 1), name ${text} not null)`,
  ];
}
