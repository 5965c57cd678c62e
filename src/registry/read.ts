// Single entries: by key, by id, the current one, the newest with a tag, the history, and the signed bytes.
import { type Database } from '../db/database.ts';
import { type ImageMetadata } from '../metadata/model.ts';
import { type SignerDescription, type Step } from '../trust/report.ts';
import { timeText, type EntryKey, type RegistryEntry, type Standing } from './entry.ts';
import { type VerifiedDocument } from './intake.ts';

export interface ReadDeps {
  readonly db: Database;
  readonly now: () => Date;
}

/** One entry with its details, as the database has it. */
export interface EntryDetailsRow {
  readonly id: number;
  readonly identifier: string;
  readonly email: string;
  readonly created: string;
  readonly replaced_by: number | null;
  readonly sha256: string;
  readonly accepted_at: string;
  readonly weak: number;
  readonly metadata: string;
  readonly signer: string;
  readonly steps: string;
}

/** How an entry stands at a time (`YYYY-MM-DDThh:mm:ssZ`). */
function standingOf(metadata: ImageMetadata, replaced: boolean, now: string): Standing {
  if (replaced) return 'replaced';
  if (metadata.withdrawal !== undefined) return 'withdrawn';
  if (metadata.deprecated !== undefined) return 'deprecated';
  return metadata.valid !== undefined && metadata.valid <= now ? 'expired' : 'valid';
}

/** The entry as it stands at `now` (`YYYY-MM-DDThh:mm:ssZ`). */
export function entryOf(row: EntryDetailsRow, now: string): RegistryEntry {
  const metadata = JSON.parse(row.metadata) as ImageMetadata;
  return {
    id: row.id,
    key: { identifier: row.identifier, email: row.email, created: row.created },
    standing: standingOf(metadata, row.replaced_by !== null, now),
    acceptedAt: row.accepted_at,
    sha256: row.sha256,
    metadata,
    signer: JSON.parse(row.signer) as SignerDescription,
    steps: JSON.parse(row.steps) as readonly Step[],
    weak: row.weak === 1,
  };
}

/** The entry as which a document has just been published. */
export function acceptedEntry(id: number, { sha256, key, at, report }: VerifiedDocument): RegistryEntry {
  const { metadata, signer, steps, weak } = report;
  const standing = standingOf(metadata, false, at);
  return { id, key, standing, acceptedAt: at, sha256, metadata, signer, steps, weak };
}

function rows({ db }: ReadDeps) {
  return db.query
    .selectFrom('entries as e')
    .innerJoin('entry_details as d', 'd.id', 'e.id')
    .innerJoin('signings as s', 's.id', 'd.signing_id')
    .select(['e.id', 'e.identifier', 'e.email', 'e.created', 'e.replaced_by'])
    .select(['d.sha256', 'd.accepted_at', 'd.weak', 'd.metadata', 's.signer', 's.steps']);
}

function entryOrNone(deps: ReadDeps, row: EntryDetailsRow | undefined): RegistryEntry | undefined {
  return row === undefined ? undefined : entryOf(row, timeText(deps.now()));
}

export async function entryById(deps: ReadDeps, id: number): Promise<RegistryEntry | undefined> {
  return entryOrNone(deps, await rows(deps).where('e.id', '=', id).executeTakeFirst());
}

/** The entries with these ids, in their order. */
export async function entriesByIds(deps: ReadDeps, ids: readonly number[]): Promise<readonly RegistryEntry[]> {
  if (ids.length === 0) return [];
  const now = timeText(deps.now());
  const found = await rows(deps).where('e.id', 'in', ids).execute();
  const byId = new Map(found.map((row) => [row.id, row]));
  return ids.flatMap((id) => {
    const row = byId.get(id);
    return row === undefined ? [] : [entryOf(row, now)];
  });
}

export async function entryByKey(deps: ReadDeps, key: EntryKey): Promise<RegistryEntry | undefined> {
  const row = await rows(deps)
    .where('e.identifier', '=', key.identifier)
    .where('e.email', '=', key.email)
    .where('e.created', '=', key.created)
    .executeTakeFirst();
  return entryOrNone(deps, row);
}

/** The newest entry of an endorser for an image, whatever its standing. */
export async function currentEntry(
  deps: ReadDeps,
  identifier: string,
  email: string,
): Promise<RegistryEntry | undefined> {
  const row = await rows(deps)
    .where('e.identifier', '=', identifier)
    .where('e.email', '=', email)
    .where('e.replaced_by', 'is', null)
    .executeTakeFirst();
  return entryOrNone(deps, row);
}

/** The newest entry of an endorser that carries this tag and is neither replaced, deprecated nor expired. */
export async function newestByTag(deps: ReadDeps, email: string, tag: string): Promise<RegistryEntry | undefined> {
  const now = timeText(deps.now());
  const row = await rows(deps)
    .where('e.email', '=', email)
    .where('e.tag', '=', tag)
    .where('e.replaced_by', 'is', null)
    .where('e.status', '!=', 'deprecated')
    .where((where) => where.or([where('e.valid_until', 'is', null), where('e.valid_until', '>', now)]))
    .orderBy('e.created', 'desc')
    .orderBy('e.id', 'desc')
    .limit(1)
    .executeTakeFirst();
  return entryOrNone(deps, row);
}

/** All entries of one endorser for one image, newest first. */
export async function entryHistory(
  deps: ReadDeps,
  identifier: string,
  email: string,
): Promise<readonly RegistryEntry[]> {
  const now = timeText(deps.now());
  const found = await rows(deps)
    .where('e.identifier', '=', identifier)
    .where('e.email', '=', email)
    .orderBy('e.created', 'desc')
    .limit(500)
    .execute();
  return found.map((row) => entryOf(row, now));
}

/** The current entry of each endorser of one image, newest first. */
export async function imageEntries(deps: ReadDeps, identifier: string): Promise<readonly RegistryEntry[]> {
  const now = timeText(deps.now());
  const found = await rows(deps)
    .where('e.identifier', '=', identifier)
    .where('e.replaced_by', 'is', null)
    .orderBy('e.created', 'desc')
    .limit(500)
    .execute();
  return found.map((row) => entryOf(row, now));
}

/** The signed document, exactly as it was uploaded. */
export async function entryDocument({ db }: ReadDeps, key: EntryKey): Promise<Buffer | undefined> {
  const row = await db.query
    .selectFrom('documents')
    .select('bytes')
    .where('identifier', '=', key.identifier)
    .where('email', '=', key.email)
    .where('created', '=', key.created)
    .executeTakeFirst();
  return row?.bytes;
}

/** The signed documents of entries with these ids, in their order: for the XML form of a list. */
export async function documentsByIds({ db }: ReadDeps, ids: readonly number[]): Promise<readonly Buffer[]> {
  if (ids.length === 0) return [];
  const found = await db.query.selectFrom('documents').select(['id', 'bytes']).where('id', 'in', ids).execute();
  const byId = new Map(found.map(({ id, bytes }) => [id, bytes]));
  return ids.flatMap((id) => byId.get(id) ?? []);
}
