// Documents that wait for their endorser's confirmation: kept apart from the index, so that no search can find them.
import { createHash } from 'node:crypto';
import { type Queries } from '../../db/database.ts';
import { Fault } from '../../errors/fault.ts';

import { timeText } from '../entry.ts';
import { type VerifiedDocument } from '../intake.ts';

/** Whose uploads wait: of certificates that their address has not confirmed yet (`new`), or all. */
export type ConfirmationMode = 'new' | 'all';

export interface Waiting {
  readonly outcome: 'waiting';
  /** Where the link is sent. */
  readonly email: string;
  /** Until when it is good, `YYYY-MM-DDThh:mm:ssZ`. */
  readonly expiresAt: string;
}

/** Documents of one address that may wait at once: whoever fakes its name cannot flood it with mail. */
const mostWaiting = 5;

/** Mails about one document, those that were tried and not taken among them, after which an upload sends no more. */
const mostMails = 3;

/** One address, and nothing that a mail program could take for more. */
const plainAddress = /^[^\s@,;:<>()[\]"\\]+@[^\s@,;:<>()[\]"\\]+$/u;

const hashOf = (token: string): string => createHash('sha256').update(token).digest('hex');

export async function mustConfirm(
  queries: Queries,
  mode: ConfirmationMode,
  { key, report }: VerifiedDocument,
): Promise<boolean> {
  if (mode === 'all') return true;
  const known = await queries
    .selectFrom('confirmed_signers')
    .select('email')
    .where('email', '=', key.email)
    .where('fingerprint', '=', report.signer.fingerprint)
    .executeTakeFirst();
  return known === undefined;
}

/**
 * Of bytes that wait already: until when. Where all mails about them are an hour old, another one is sent, for the first
 * may be lost; three in all, so whoever repeats an upload fills no mailbox.
 */
export async function waitingAlready(
  queries: Queries,
  { sha256, at }: Pick<VerifiedDocument, 'sha256' | 'at'>,
): Promise<Waiting | undefined> {
  const pending = await queries
    .selectFrom('pending_documents')
    .select(['email', 'expires_at'])
    .where('sha256', '=', sha256)
    .executeTakeFirst();
  if (pending === undefined) return undefined;
  const mails = await queries
    .selectFrom('confirmation_tokens')
    .select('made_at')
    .where('sha256', '=', sha256)
    .execute();
  const hourAgo = timeText(new Date(Date.parse(at) - 3_600_000));
  if (mails.length < mostMails && mails.every(({ made_at: madeAt }) => madeAt <= hourAgo)) {
    await queries
      .insertInto('outbox')
      .values({ sha256, due_at: at, attempts: 0 })
      // One that is still to be sent is enough.
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
  return { outcome: 'waiting', email: pending.email, expiresAt: pending.expires_at };
}

/** Throws `registry.no-mail` and `registry.too-many-waiting`. */
export async function keepWaiting(
  queries: Queries,
  { bytes, sha256, key, at, sender }: VerifiedDocument,
  hours: number,
): Promise<Waiting> {
  const { email } = key;
  if (!plainAddress.test(email)) throw new Fault('registry.no-mail', `No mail can be sent to ${email}`);
  const waiting = await queries.selectFrom('pending_documents').select('sha256').where('email', '=', email).execute();
  if (waiting.length >= mostWaiting) {
    throw new Fault('registry.too-many-waiting', `${waiting.length} documents wait for ${email} to confirm them`, {
      details: { retryAfter: 3600 },
    });
  }
  const expiresAt = timeText(new Date(Date.parse(at) + hours * 3_600_000));
  await queries
    .insertInto('pending_documents')
    .values({
      sha256,
      ...key,
      received_at: at,
      expires_at: expiresAt,
      address: sender.address ?? null,
      bytes: Buffer.from(bytes),
    })
    .execute();
  await queries.insertInto('outbox').values({ sha256, due_at: at, attempts: 0 }).execute();
  return { outcome: 'waiting', email, expiresAt };
}

export interface PendingDocument {
  readonly sha256: string;
  readonly bytes: Buffer;
  readonly email: string;
  readonly expiresAt: string;
  readonly address: string | null;
}

export const usedLink = (): Fault =>
  new Fault('registry.no-confirmation', 'This link leads nowhere: it was used, or has expired');

/** The document that a link leads to. Throws `registry.no-confirmation` where the link is used, expired or none. */
export async function pendingOf(queries: Queries, token: string, now: string): Promise<PendingDocument> {
  const row = await queries
    .selectFrom('confirmation_tokens as t')
    .innerJoin('pending_documents as p', 'p.sha256', 't.sha256')
    .select(['p.sha256', 'p.bytes', 'p.email', 'p.expires_at as expiresAt', 'p.address'])
    .where('t.hash', '=', hashOf(token))
    .executeTakeFirst();
  if (row === undefined || row.expiresAt <= now) {
    throw usedLink();
  }
  return row;
}

/** Makes a link to a document good, from `at` on: only the hash of its secret is kept. */
export async function keepToken(queries: Queries, token: string, sha256: string, at: string): Promise<void> {
  await queries
    .insertInto('confirmation_tokens')
    .values({ hash: hashOf(token), sha256, made_at: at })
    .execute();
}

/** Takes a document away with its links and mails. Says whether it was there. */
export async function forgetPending(queries: Queries, sha256: string): Promise<boolean> {
  const gone = await queries
    .deleteFrom('pending_documents')
    .where('sha256', '=', sha256)
    .returning('sha256')
    .executeTakeFirst();
  return gone !== undefined;
}
