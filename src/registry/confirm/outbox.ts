// Mails that are still to be sent, kept in the database: tried again until they are taken, also by the next process.
import { type Database } from '../../db/database.ts';
import { type VerifyDocument } from '../../trust/report.ts';
import { timeText } from '../entry.ts';
import { writeIndex } from '../state.ts';
import { confirmationMail, type Mail } from './message.ts';
import { keepToken } from './pending.ts';

/** Resolves when the mail was taken; rejects with an error that has `permanent` where it never will be. */
export type SendMail = (mail: Mail) => Promise<void>;

export interface OutboxDeps {
  readonly db: Database;
  readonly verify: VerifyDocument;
  readonly now: () => Date;
  readonly send: SendMail;
  readonly randomness: (bytes: number) => Buffer;
  /** Address of the page that confirms, with the secret of the link. */
  readonly link: (token: string) => string;
  /** Name of the site, for people. */
  readonly site: string;
}

export interface SendResult {
  readonly sent: number;
  /** What kept the others from being sent. */
  readonly problems: readonly Error[];
}

/** Longest time between two attempts, in seconds. */
const longestPause = 3600;

/** Seconds until a mail is tried again: half a minute, then twice as long each time. */
const pauseAfter = (attempts: number): number => Math.min(longestPause, 30 * 2 ** attempts);

const later = (now: Date, seconds: number): string => timeText(new Date(now.getTime() + seconds * 1000));

interface ClaimedMail {
  readonly sha256: string;
  readonly email: string;
  readonly bytes: Buffer;
  readonly expires_at: string;
}

/** Takes one mail that is due; it is due again after a pause, should this process not live to say that it was sent. */
function claim({ db, now }: OutboxDeps): Promise<ClaimedMail | undefined> {
  return writeIndex(db, async (queries) => {
    const at = now();
    const due = await queries
      .selectFrom('outbox as o')
      .innerJoin('pending_documents as p', 'p.sha256', 'o.sha256')
      .select(['o.sha256', 'o.attempts', 'p.email', 'p.bytes', 'p.expires_at'])
      // A clock that was set back must not hold mails up.
      .where((where) =>
        where.or([where('o.due_at', '<=', timeText(at)), where('o.due_at', '>', later(at, longestPause))]),
      )
      .orderBy('o.due_at')
      .limit(1)
      .executeTakeFirst();
    if (due !== undefined) {
      const next = { attempts: due.attempts + 1, due_at: later(at, pauseAfter(due.attempts)) };
      await queries.updateTable('outbox').set(next).where('sha256', '=', due.sha256).execute();
    }
    return { leaves: 0, result: due };
  });
}

async function sendOne(deps: OutboxDeps, { sha256, email, bytes, expires_at: expiresAt }: ClaimedMail): Promise<void> {
  const { db, verify, now, send, randomness, link, site } = deps;
  const report = await verify(bytes);
  // What does not verify any more is refused when its time is over.
  if (!report.valid) return;
  const token = randomness(32).toString('base64url');
  // Good before it is sent: a mail may arrive although its sending seemed to fail.
  await keepToken(db.query, token, sha256, timeText(now()));
  const { signer, metadata } = report;
  const { subject, fingerprint } = signer;
  const { title, identifier } = metadata;
  await send(confirmationMail({ site, email, title, identifier, subject, fingerprint, expiresAt, link: link(token) }));
}

/** Sends the mails that are due, one after the other. */
export async function sendDue(deps: OutboxDeps): Promise<SendResult> {
  const problems: Error[] = [];
  let sent = 0;
  for (let mail = await claim(deps); mail !== undefined; mail = await claim(deps)) {
    try {
      await sendOne(deps, mail);
      sent += 1;
    } catch (error) {
      const problem = error instanceof Error ? error : new Error(String(error));
      problems.push(problem);
      if (!('permanent' in problem && problem.permanent === true)) continue;
    }
    await deps.db.query.deleteFrom('outbox').where('sha256', '=', mail.sha256).execute();
  }
  return { sent, problems };
}
