// What an endorser does with the link that was mailed: look, confirm, or decline; and what becomes of links nobody opened.
import { type Queries } from '../../db/database.ts';
import { Fault } from '../../errors/fault.ts';
import { type DocumentReport } from '../../trust/report.ts';
import { takeIn, type Accepted, type AcceptDeps } from '../accept.ts';
import { timeText } from '../entry.ts';
import { type Gate } from '../intake.ts';
import { appendDecisions } from '../log/append.ts';
import { writeIndex } from '../state.ts';
import { forgetPending, pendingOf, usedLink } from './pending.ts';

export interface AwaitedDocument {
  readonly email: string;
  readonly expiresAt: string;
  /** The check of the document, made now. */
  readonly report: DocumentReport;
}

export interface Confirmations {
  /** What a link is about; changes nothing. Throws `registry.no-confirmation`, as all of these. */
  show(token: string): Promise<AwaitedDocument>;
  /** Verifies the document again and publishes it, after a leaf `confirmed`. Throws as {@link takeIn} does, too. */
  confirm(token: string): Promise<Accepted>;
  /** Refuses the document in its endorser's name. */
  decline(token: string): Promise<void>;
  /** Refuses what nobody confirmed in time. Returns how many there were. */
  expire(): Promise<number>;
}

async function isPublished(queries: Queries, sha256: string): Promise<boolean> {
  const row = await queries.selectFrom('documents').select('id').where('sha256', '=', sha256).executeTakeFirst();
  return row !== undefined;
}

async function refuse({ db, now }: AcceptDeps, sha256: string, address: string | null, reason: string): Promise<void> {
  await writeIndex(db, async (queries, state) => {
    const gone = !(await forgetPending(queries, sha256));
    // A mirror may have brought it meanwhile, or its endorser uploaded it when nobody was asked any more.
    if (gone || (await isPublished(queries, sha256))) return { leaves: 0, result: undefined };
    // Whoever did not sign for it is not named in public.
    const decision = { at: timeText(now()), decision: 'refused', sha256, reasons: [reason] } as const;
    const note = address === null ? {} : { address };
    await appendDecisions(queries, state.logSize, [{ decision, note }]);
    return { leaves: 1, result: undefined };
  });
}

/** Publishes after a leaf `confirmed`, and takes the document from those that wait. */
const confirmed: Gate<never> = async (queries, { key, at, report, sha256 }) => {
  // It may have been declined since the link was looked up.
  if (!(await forgetPending(queries, sha256))) throw usedLink();
  await queries
    .insertInto('confirmed_signers')
    .values({ email: key.email, fingerprint: report.signer.fingerprint, confirmed_at: at })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  return { before: [{ at, decision: 'confirmed', sha256, ...key }] };
};

async function confirm(deps: AcceptDeps, token: string): Promise<Accepted> {
  const { query } = deps.db;
  const { sha256, bytes, address } = await pendingOf(query, token, timeText(deps.now()));
  let accepted: Accepted;
  try {
    accepted = await takeIn(deps, bytes, address === null ? {} : { address }, confirmed);
  } catch (error) {
    // It is refused, and that is logged: the link has done its work.
    if (error instanceof Fault && error.code.startsWith('registry.')) await forgetPending(query, sha256);
    throw error;
  }
  await forgetPending(query, sha256);
  return accepted;
}

async function expire(deps: AcceptDeps): Promise<number> {
  const over = await deps.db.query
    .selectFrom('pending_documents')
    .select(['sha256', 'address'])
    .where('expires_at', '<=', timeText(deps.now()))
    .limit(1000)
    .execute();
  for (const { sha256, address } of over) await refuse(deps, sha256, address, 'confirmation-expired');
  return over.length;
}

export function openConfirmations(deps: AcceptDeps): Confirmations {
  const pending = (token: string) => pendingOf(deps.db.query, token, timeText(deps.now()));
  return {
    show: async (token) => {
      const { email, expiresAt, bytes } = await pending(token);
      return { email, expiresAt, report: await deps.verify(bytes) };
    },
    confirm: (token) => confirm(deps, token),
    decline: async (token) => {
      const { sha256, address } = await pending(token);
      await refuse(deps, sha256, address, 'confirmation-declined');
    },
    expire: () => expire(deps),
  };
}
