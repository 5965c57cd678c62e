// What the history of an image and its endorser says of a document that is new.
import { type Queries } from '../db/database.ts';
import { Fault } from '../errors/fault.ts';
import { type EntryKey } from './entry.ts';
import { type ValidReport } from './index-rows.ts';

export function keyOf({ metadata }: ValidReport): EntryKey {
  const { created, endorser } = metadata.endorsement;
  return { identifier: metadata.identifier, email: endorser.email, created };
}

/** What stands against an entry in the history of its image and endorser; undefined where nothing does. */
export async function historyAgainst(queries: Queries, key: EntryKey): Promise<Fault | undefined> {
  const newest = await queries
    .selectFrom('documents')
    .select('created')
    .where('identifier', '=', key.identifier)
    .where('email', '=', key.email)
    .orderBy('created', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (newest === undefined || newest.created < key.created) return undefined;
  const details = { ...key, newest: newest.created };
  if (newest.created === key.created) {
    return new Fault('registry.key-taken', `Another document of ${key.email} for this image is dated ${key.created}`, {
      details,
    });
  }
  return new Fault(
    'registry.older',
    `${key.email} endorsed this image again on ${newest.created}, after this document's ${key.created}`,
    { details },
  );
}
