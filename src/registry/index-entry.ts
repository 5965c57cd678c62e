// Writes one accepted document into the index: entry, words, facet counts, endorser. Many at once: rebuild-index.ts.
import { type Dialect, type Queries } from '../db/database.ts';
import { insertWords } from '../db/dialect.ts';
import { type ImageMetadata } from '../metadata/model.ts';
import { traitsOf, traitsText } from './facets.ts';
import { detailsRow, entryRow, storedStatus, type AcceptedDocument, type StoredStatus } from './index-rows.ts';
import { signingOf, storeSigning } from './signings.ts';
import { type RegistryState } from './state.ts';
import { entryWords } from './words.ts';

const countColumns = { valid: 'valid_count', expired: 'expired_count', deprecated: 'deprecated_count' } as const;

/** Adds to the count of current entries of a class; `all` says how many entries are new in it. */
export async function changeCount(
  queries: Queries,
  version: number,
  change: { readonly classId: number; readonly status: StoredStatus; readonly by: number; readonly all?: number },
): Promise<void> {
  const column = countColumns[change.status];
  await queries
    .updateTable('entry_classes')
    .set((row) => ({
      [column]: row(column, '+', change.by),
      all_count: row('all_count', '+', change.all ?? 0),
      version,
    }))
    .where('id', '=', change.classId)
    .execute();
}

/** The class with these facets; a new one gets the entry's own id, which no other class can have. */
async function classOf(queries: Queries, version: number, id: number, metadata: ImageMetadata): Promise<number> {
  const facets = traitsText(traitsOf(metadata));
  const known = await queries.selectFrom('entry_classes').select('id').where('facets', '=', facets).executeTakeFirst();
  if (known !== undefined) return known.id;
  const counts = { valid_count: 0, expired_count: 0, deprecated_count: 0, all_count: 0 };
  await queries
    .insertInto('entry_classes')
    .values({ id, facets, ...counts, version })
    .execute();
  return id;
}

/** Marks the current entry of the same image and endorser as replaced. Says whether there was one. */
async function replaceCurrent(
  queries: Queries,
  version: number,
  { identifier, email, id }: { readonly identifier: string; readonly email: string; readonly id: number },
): Promise<boolean> {
  const current = await queries
    .selectFrom('entries')
    .select(['id', 'class_id', 'status'])
    .where('identifier', '=', identifier)
    .where('email', '=', email)
    .where('replaced_by', 'is', null)
    .executeTakeFirst();
  if (current === undefined) return false;
  await queries.updateTable('entries').set({ replaced_by: id }).where('id', '=', current.id).execute();
  await changeCount(queries, version, { classId: current.class_id, status: current.status, by: -1 });
  return true;
}

async function countEndorser(queries: Queries, { report }: AcceptedDocument, knownImage: boolean): Promise<void> {
  const { created, endorser } = report.metadata.endorsement;
  const { fingerprint, issuer, subject } = report.signer;
  await queries
    .insertInto('endorsers')
    .values({
      email: endorser.email,
      subject,
      issuer,
      fingerprint,
      first_created: created,
      last_created: created,
      entries: 1,
      images: 1,
    })
    .onConflict((conflict) =>
      conflict.column('email').doUpdateSet((row) => ({
        subject,
        issuer,
        fingerprint,
        first_created: row
          .case()
          .when('endorsers.first_created', '>', created)
          .then(created)
          .else(row.ref('endorsers.first_created'))
          .end(),
        last_created: row
          .case()
          .when('endorsers.last_created', '<', created)
          .then(created)
          .else(row.ref('endorsers.last_created'))
          .end(),
        entries: row('endorsers.entries', '+', 1),
        images: row('endorsers.images', '+', knownImage ? 0 : 1),
      })),
    )
    .execute();
}

/** Indexes a document that is newer than every other of its (identifier, email). */
export async function indexEntry(
  dialect: Dialect,
  queries: Queries,
  state: RegistryState,
  document: AcceptedDocument,
): Promise<void> {
  const { id, report } = document;
  const { metadata } = report;
  const { identifier, endorsement } = metadata;
  const knownImage = await replaceCurrent(queries, state.version, {
    identifier,
    email: endorsement.endorser.email,
    id,
  });
  const classId = await classOf(queries, state.version, id, metadata);
  const status = storedStatus(metadata, state.sweptAt);
  await queries.insertInto('entries').values(entryRow(document, { classId, status })).execute();
  const signingId = await storeSigning(queries, id, signingOf(report));
  await queries.insertInto('entry_details').values(detailsRow(document, signingId)).execute();
  await insertWords(dialect, queries, [{ id, words: entryWords(metadata) }]);
  await changeCount(queries, state.version, { classId, status, by: 1, all: 1 });
  await countEndorser(queries, document, knownImage);
}
