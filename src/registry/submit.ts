// An upload from outside: taken in as any document is, but within the endorser's limit, and after a confirmation where one is asked for.
import { takeIn, type Accepted, type AcceptDeps } from './accept.ts';
import { keepWaiting, mustConfirm, waitingAlready, type ConfirmationMode, type Waiting } from './confirm/pending.ts';
import { type Sender } from './intake.ts';
import { UploadCounts } from './limit.ts';

export interface SubmitRules {
  /** Documents of one endorser in an hour; no limit where it is left out. */
  readonly endorserLimit?: number;
  /** Who confirms by e-mail, and for how many hours a link is good; nobody where it is left out. */
  readonly confirmation?: { readonly mode: ConfirmationMode; readonly hours: number };
}

/**
 * As {@link acceptEntry}; `waiting` where the document is kept until its endorser confirms it; what waits already does so
 * unchanged, and counts for no limit. Throws
 * `registry.endorser-limit`, `registry.too-many-waiting` and `registry.no-mail`, too; these are not in the log.
 */
export function submitDocument(
  deps: AcceptDeps & { readonly rules?: SubmitRules },
  bytes: Uint8Array,
  sender: Sender,
): Promise<Accepted | Waiting> {
  const { endorserLimit, confirmation } = deps.rules ?? {};
  return takeIn<Waiting>(deps, bytes, sender, async (queries, document) => {
    const asked = confirmation !== undefined && (await mustConfirm(queries, confirmation.mode, document));
    const waiting = asked ? await waitingAlready(queries, document) : undefined;
    if (waiting !== undefined) return { held: waiting };
    const { key, at } = document;
    const limited = endorserLimit === undefined ? undefined : { email: key.email, at, limit: endorserLimit };
    if (!asked) return { before: [], limited };
    if (limited !== undefined) {
      const counts = await UploadCounts.of(queries, [key.email]);
      const fault = counts.add(limited);
      if (fault !== undefined) throw fault;
      await counts.write(queries);
    }
    return { held: await keepWaiting(queries, document, confirmation.hours) };
  });
}
