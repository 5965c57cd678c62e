// Who endorses what, since when, with which certificate.
import { z } from 'zod';
import { type Database } from '../db/database.ts';
import { Fault } from '../errors/fault.ts';

export interface EndorserSummary {
  readonly email: string;
  /** Of the certificate of the endorser's last accepted document, RFC 2253. */
  readonly subject: string;
  readonly issuer: string;
  /** SHA-256 of that certificate, hex. */
  readonly fingerprint: string;
  readonly firstCreated: string;
  readonly lastCreated: string;
  readonly entries: number;
  readonly images: number;
}

export interface EndorserDetails extends EndorserSummary {
  /** Tags in use on current entries, with the newest entry of each. */
  readonly tags: readonly { readonly tag: string; readonly identifier: string; readonly created: string }[];
}

export const endorserQuerySchema = z.object({
  after: z.string().max(254).optional().describe('E-mail address of the last endorser of the page before'),
  limit: z.coerce.number().int().min(1).max(100).default(50).describe('Endorsers on a page'),
});
export type EndorserQuery = z.output<typeof endorserQuerySchema>;

export interface EndorserList {
  readonly endorsers: readonly EndorserSummary[];
  /** `after` of the next page, where there is one. */
  readonly next?: string;
  readonly total: number;
}

/** Tags that are listed of one endorser. */
const mostTags = 200;

function rows(db: Database) {
  return db.query
    .selectFrom('endorsers')
    .select(['email', 'subject', 'issuer', 'fingerprint', 'entries', 'images'])
    .select(['first_created as firstCreated', 'last_created as lastCreated']);
}

/** A page of the endorsers, by e-mail address. */
export async function listEndorsers(db: Database, { after, limit }: EndorserQuery): Promise<EndorserList> {
  const found = await rows(db)
    .where('email', '>', after ?? '')
    .orderBy('email')
    .limit(limit + 1)
    .execute();
  const { total } = await db.query
    .selectFrom('endorsers')
    .select((select) => select.fn.countAll<number>().as('total'))
    .executeTakeFirstOrThrow();
  const endorsers = found.slice(0, limit);
  const last = endorsers.at(-1);
  const more = found.length > limit && last !== undefined;
  return { endorsers, ...(more ? { next: last.email } : {}), total };
}

/** Throws `registry.no-endorser`. */
export async function showEndorser(db: Database, email: string): Promise<EndorserDetails> {
  const row = await rows(db).where('email', '=', email).executeTakeFirst();
  if (row === undefined) throw new Fault('registry.no-endorser', `Nobody has endorsed anything here as ${email}`);
  const tagged = await db.query
    .selectFrom('entries')
    .select(['tag', 'identifier', 'created'])
    .where('email', '=', email)
    .where('tag', 'is not', null)
    .where('replaced_by', 'is', null)
    .where('status', '=', 'valid')
    .orderBy('created', 'desc')
    .limit(mostTags * 5)
    .execute();
  const newest = new Map<string, { tag: string; identifier: string; created: string }>();
  for (const { tag, identifier, created } of tagged) {
    if (tag !== null && !newest.has(tag)) newest.set(tag, { tag, identifier, created });
  }
  return { ...row, tags: [...newest.values()].slice(0, mostTags) };
}
