// What is known of endorsers, kept up with the documents that are accepted of them.
import { type Queries } from '../db/database.ts';
import { type Tables } from '../db/tables.ts';
import { type ValidReport } from './index-rows.ts';

export interface Endorsement {
  readonly report: ValidReport;
  /** The endorser has endorsed no version of the image before. */
  readonly newImage: boolean;
}

type EndorserRow = Tables['endorsers'];

function rowOf({ report: { metadata, signer }, newImage }: Endorsement): EndorserRow {
  const { created, endorser } = metadata.endorsement;
  const { subject, issuer, fingerprint } = signer;
  return {
    email: endorser.email,
    subject,
    issuer,
    fingerprint,
    first_created: created,
    last_created: created,
    entries: 1,
    images: newImage ? 1 : 0,
  };
}

/** One row for what two say; who signed is from the later one. */
function merged(before: EndorserRow, after: EndorserRow): EndorserRow {
  return {
    ...after,
    first_created: before.first_created < after.first_created ? before.first_created : after.first_created,
    last_created: before.last_created > after.last_created ? before.last_created : after.last_created,
    entries: before.entries + after.entries,
    images: before.images + after.images,
  };
}

/** Counts endorsements, at least one, in the order in which they were accepted, in a transaction that holds the registry's row. */
export async function countEndorsements(queries: Queries, endorsements: readonly Endorsement[]): Promise<void> {
  const rows = endorsements.map((endorsement) => rowOf(endorsement));
  const emails = [...new Set(rows.map(({ email }) => email))];
  const known = await queries.selectFrom('endorsers').selectAll().where('email', 'in', emails).execute();
  const counted = new Map(known.map((row) => [row.email, row]));
  for (const row of rows) {
    const before = counted.get(row.email);
    counted.set(row.email, before === undefined ? row : merged(before, row));
  }
  await queries
    .insertInto('endorsers')
    .values([...counted.values()])
    .onConflict((conflict) =>
      conflict.column('email').doUpdateSet((row) => ({
        subject: row.ref('excluded.subject'),
        issuer: row.ref('excluded.issuer'),
        fingerprint: row.ref('excluded.fingerprint'),
        first_created: row.ref('excluded.first_created'),
        last_created: row.ref('excluded.last_created'),
        entries: row.ref('excluded.entries'),
        images: row.ref('excluded.images'),
      })),
    )
    .execute();
}
