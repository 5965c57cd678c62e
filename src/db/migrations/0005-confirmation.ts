// Tables of uploads that wait until their endorser confirms them by e-mail, and of how much an endorser uploads.
import { type Dialect } from '../database.ts';

export function confirmationTables(dialect: Dialect): readonly string[] {
  const postgres = dialect === 'postgres';
  const text = postgres ? 'text collate "C"' : 'text';
  return [
    `create table pending_documents (
       sha256 ${text} primary key,
       identifier ${text} not null,
       email ${text} not null,
       created ${text} not null,
       received_at ${text} not null,
       expires_at ${text} not null,
       address ${text},
       bytes ${postgres ? 'bytea' : 'blob'} not null
     )`,
    `create index pending_documents_by_email on pending_documents (email)`,
    `create index pending_documents_by_expiry on pending_documents (expires_at)`,
    // Of each link that was mailed, only the SHA-256 of its secret. Every link to a document is good until it is used.
    `create table confirmation_tokens (
       hash ${text} primary key,
       sha256 ${text} not null references pending_documents (sha256) on delete cascade
     )`,
    `create index confirmation_tokens_by_document on confirmation_tokens (sha256)`,
    // Mails that are still to be sent: they outlive the process.
    `create table outbox (
       sha256 ${text} primary key references pending_documents (sha256) on delete cascade,
       due_at ${text} not null,
       attempts integer not null
     )`,
    // Truth: who has shown that an address and a certificate belong together.
    `create table confirmed_signers (
       email ${text} not null,
       fingerprint ${text} not null,
       confirmed_at ${text} not null,
       primary key (email, fingerprint)
     )`,
    `create table endorser_uploads (
       email ${text} not null,
       hour ${text} not null,
       uploads integer not null,
       primary key (email, hour)
     )`,
  ];
}
