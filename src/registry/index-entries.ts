// Writes accepted documents into the index: entries, words, facet counts, endorsers. As many statements for many as for one.
import { sql } from 'kysely';
import { type Dialect, type Queries } from '../db/database.ts';
import { insertWords } from '../db/words.ts';
import { insertRows } from '../db/insert-rows.ts';
import { type Tables } from '../db/tables.ts';
import { countEndorsements, type Endorsement } from './count-endorsements.ts';
import { CountChanges } from './counts.ts';
import { traitsOf, traitsText } from './facets.ts';
import { keyOf, pairText, wantedPairs, type Pair } from './history.ts';
import { detailsRow, entryRow, storedStatus, type AcceptedDocument, type StoredStatus } from './index-rows.ts';
import { signingOf } from './signings.ts';
import { type RegistryState } from './state.ts';
import { entryWords } from './words.ts';

/** Rows that entries have in common, found by a text. A new one gets the id of its first entry, which no other row can have. */
class SharedRows<Row> {
  readonly made: Row[] = [];
  readonly #ids: Map<string, number>;

  constructor(known: readonly { readonly id: number; readonly text: string }[]) {
    this.#ids = new Map(known.map(({ id, text }) => [text, id]));
  }

  idOf(text: string, entryId: number, make: () => Row): number {
    const known = this.#ids.get(text);
    if (known !== undefined) return known;
    this.#ids.set(text, entryId);
    this.made.push(make());
    return entryId;
  }
}

const unique = (texts: readonly string[]): readonly string[] => [...new Set(texts)];

async function knownClasses(queries: Queries, facets: readonly string[]): Promise<SharedRows<Tables['entry_classes']>> {
  const known = queries.selectFrom('entry_classes').select(['id', 'facets as text']);
  return new SharedRows(await known.where('facets', 'in', unique(facets)).execute());
}

async function knownSignings(queries: Queries, digests: readonly string[]): Promise<SharedRows<Tables['signings']>> {
  const known = queries.selectFrom('signings').select(['id', 'digest as text']);
  return new SharedRows(await known.where('digest', 'in', unique(digests)).execute());
}

interface CurrentEntry {
  readonly id: number;
  readonly class_id: number;
  readonly status: StoredStatus;
}

/** The current entries of these images and endorsers, by {@link pairText}. */
async function currentEntries(queries: Queries, pairs: readonly Pair[]): Promise<Map<string, CurrentEntry>> {
  const { rows } = await sql<CurrentEntry & Pair>`with ${wantedPairs(pairs)}
    select e.id, e.identifier, e.email, e.class_id, e.status from wanted w cross join entries e
    where e.identifier = w.identifier and e.email = w.email and e.replaced_by is null`.execute(queries);
  return new Map(rows.map((row) => [pairText(row), row]));
}

/** `replacedBy`: by id of the entry that is replaced. */
async function markReplaced(queries: Queries, replacedBy: ReadonlyMap<number, number>): Promise<void> {
  if (replacedBy.size === 0) return;
  const rows = Array.from(replacedBy, ([old, id]) => sql`(cast(${old} as bigint), cast(${id} as bigint))`);
  await sql`with newer (replaced, id) as (values ${sql.join(rows)})
    update entries set replaced_by = newer.id from newer where entries.id = newer.replaced`.execute(queries);
}

/**
 * Indexes documents in the order in which they were accepted; there may be none. Each is newer than every other of its
 * image and endorser that was accepted before it.
 */
export async function indexEntries(
  dialect: Dialect,
  queries: Queries,
  { version, sweptAt }: RegistryState,
  documents: readonly AcceptedDocument[],
): Promise<void> {
  if (documents.length === 0) return;
  const parts = documents.map((document) => ({
    document,
    pair: keyOf(document.report),
    facets: traitsText(traitsOf(document.report.metadata)),
    signing: signingOf(document.report),
  }));
  const classes = await knownClasses(
    queries,
    parts.map(({ facets }) => facets),
  );
  const signings = await knownSignings(
    queries,
    parts.map(({ signing }) => signing.digest),
  );
  const current = await currentEntries(
    queries,
    parts.map(({ pair }) => pair),
  );

  const counts = new CountChanges();
  const replacedBy = new Map<number, number>();
  const endorsements: Endorsement[] = [];
  const details: Tables['entry_details'][] = [];
  const entries: Tables['entries'][] = [];
  for (const { document, pair, facets, signing } of parts) {
    const { id, report } = document;
    const noCounts = { valid_count: 0, expired_count: 0, deprecated_count: 0, all_count: 0 };
    const classId = classes.idOf(facets, id, () => ({ id, facets, ...noCounts, version }));
    const status = storedStatus(report.metadata, sweptAt);
    const replaced = current.get(pairText(pair));
    if (replaced !== undefined) {
      replacedBy.set(replaced.id, id);
      counts.current(replaced.class_id, replaced.status, -1);
    }
    counts.current(classId, status, 1);
    counts.added(classId);
    current.set(pairText(pair), { id, class_id: classId, status });
    entries.push(entryRow(document, { classId, status }));
    details.push(
      detailsRow(
        document,
        signings.idOf(signing.digest, id, () => ({ id, ...signing })),
      ),
    );
    endorsements.push({ report, newImage: replaced === undefined });
  }
  await insertRows(queries, 'entry_classes', classes.made);
  await insertRows(queries, 'signings', signings.made);
  await insertRows(queries, 'entries', entries);
  await insertRows(queries, 'entry_details', details);
  await insertWords(
    dialect,
    queries,
    documents.map(({ id, report }) => ({ id, words: entryWords(report.metadata) })),
  );
  await markReplaced(queries, replacedBy);
  await counts.write(queries, version);
  await countEndorsements(queries, endorsements);
}
