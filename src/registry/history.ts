// What the history of images and their endorsers says of documents that are new.
import { sql, type RawBuilder } from 'kysely';
import { type Queries } from '../db/database.ts';
import { Fault } from '../errors/fault.ts';
import { type EntryKey } from './entry.ts';
import { type ValidReport } from './index-rows.ts';

/** An image and who endorses it: their entries follow one another. */
export type Pair = Pick<EntryKey, 'identifier' | 'email'>;

/** One text for each pair, to find it by. */
export const pairText = ({ identifier, email }: Pair): string => `${identifier} ${email}`;

/** A table `wanted` of pairs, at least one, for a `with`. */
export function wantedPairs(pairs: readonly Pair[]): RawBuilder<unknown> {
  const different = new Map(pairs.map((pair) => [pairText(pair), pair]));
  const rows = Array.from(different.values(), ({ identifier, email }) => sql`(${identifier}, ${email})`);
  return sql`wanted (identifier, email) as (values ${sql.join(rows)})`;
}

export function keyOf({ metadata }: ValidReport): EntryKey {
  const { created, endorser } = metadata.endorsement;
  return { identifier: metadata.identifier, email: endorser.email, created };
}

/** When the newest document of each pair, at least one, was made, by {@link pairText}; nothing where there is none. */
export async function newestOf(queries: Queries, pairs: readonly Pair[]): Promise<Map<string, string>> {
  const { rows } = await sql<Pair & { created: string | null }>`with ${wantedPairs(pairs)}
    select w.identifier, w.email, (
      select d.created from documents d where d.identifier = w.identifier and d.email = w.email
      order by d.created desc limit 1
    ) as created from wanted w`.execute(queries);
  return new Map(rows.flatMap((row) => (row.created === null ? [] : [[pairText(row), row.created]])));
}

/** What stands against an entry in the history of its image and endorser; undefined where nothing does. */
export function historyAgainst(key: EntryKey, newest: string | undefined): Fault | undefined {
  if (newest === undefined || newest < key.created) return undefined;
  const details = { ...key, newest };
  if (newest === key.created) {
    return new Fault('registry.key-taken', `Another document of ${key.email} for this image is dated ${key.created}`, {
      details,
    });
  }
  return new Fault(
    'registry.older',
    `${key.email} endorsed this image again on ${newest}, after this document's ${key.created}`,
    { details },
  );
}
