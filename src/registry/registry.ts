// The registry as the rest of the server sees it: one object over the database, the verifier and the clock.
import { type Database } from '../db/database.ts';
import { Fault } from '../errors/fault.ts';
import { type VerifyDocument } from '../trust/report.ts';
import { acceptEntry, type Accepted } from './accept.ts';
import { AdmittedIndex, type Admission } from './admitted.ts';
import { checkDocument, type CheckedDocument } from './check.ts';
import { ClassCounts } from './classes.ts';
import { openConfirmations, type Confirmations } from './confirm/confirmations.ts';
import { type Waiting } from './confirm/pending.ts';
import {
  listEndorsers,
  showEndorser,
  type EndorserDetails,
  type EndorserList,
  type EndorserQuery,
} from './endorsers.ts';
import { timeText, type EntryKey, type RegistryEntry } from './entry.ts';
import { findEntries, type EntryList } from './find.ts';
import { Intake, type Sender } from './intake.ts';
import { KeptLists } from './kept-lists.ts';
import { type EntryQuery } from './query.ts';
import {
  currentEntry,
  documentsByIds,
  entryByKey,
  entryDocument,
  entryHistory,
  imageEntries,
  newestByTag,
} from './read.ts';
import { reindex, type ReindexResult } from './reindex.ts';
import { readState, type RegistryState } from './state.ts';
import { Sweeper } from './sweep.ts';
import { titlesOf } from './titles.ts';
import { submitDocument, type SubmitRules } from './submit.ts';

export interface RegistryDeps {
  readonly db: Database;
  readonly verify: VerifyDocument;
  readonly now: () => Date;
  /** What this site's policy admits; asked for `admitted=true`. */
  readonly admission?: Admission;
  /** What uploads from outside have to meet. */
  readonly rules?: SubmitRules;
}

export interface Registry {
  /** Takes in what this site has decided to take in, such as a mirror's. See {@link acceptEntry}. */
  accept(bytes: Uint8Array, sender: Sender): Promise<Accepted>;
  /** An upload from outside. See {@link submitDocument}. */
  submit(bytes: Uint8Array, sender: Sender): Promise<Accepted | Waiting>;
  readonly confirmations: Confirmations;
  /** What would become of a document; nothing is written. See {@link checkDocument}. */
  check(bytes: Uint8Array): Promise<CheckedDocument>;
  /** Changes whenever the answer to any question about entries does: those of one version are the same. */
  version(): Promise<number>;
  /** See {@link findEntries}; the query comes from `entryQuerySchema`. */
  find(query: EntryQuery): Promise<EntryList>;
  /** Throws `registry.no-entry`. */
  entry(key: EntryKey): Promise<RegistryEntry>;
  /** The signed bytes, exactly as they were uploaded. Throws `registry.no-entry`. */
  document(key: EntryKey): Promise<Buffer>;
  /** The signed bytes of the entries of one page, in their order. */
  documents(entries: readonly RegistryEntry[]): Promise<readonly Buffer[]>;
  /** The newest entry of an endorser for an image, whatever its standing. */
  current(identifier: string, email: string): Promise<RegistryEntry | undefined>;
  /** The newest valid entry of an endorser with this tag. */
  newestByTag(email: string, tag: string): Promise<RegistryEntry | undefined>;
  /** All entries of an endorser for an image, newest first. */
  history(identifier: string, email: string): Promise<readonly RegistryEntry[]>;
  /** The current entry of each endorser of an image, newest first. */
  image(identifier: string): Promise<readonly RegistryEntry[]>;
  /** See {@link titlesOf}. */
  titles(identifiers: readonly string[]): Promise<ReadonlyMap<string, string>>;
  endorsers(query: EndorserQuery): Promise<EndorserList>;
  /** Throws `registry.no-endorser`. */
  endorser(email: string): Promise<EndorserDetails>;
  /** See {@link reindex}. */
  reindex(onProgress?: (entries: number) => void): Promise<ReindexResult>;
}

function found<Value>(value: Value | undefined, { identifier, email, created }: EntryKey): Value {
  if (value !== undefined) return value;
  throw new Fault('registry.no-entry', `There is no entry ${identifier} of ${email} dated ${created}`);
}

/** How often a list is begun anew because something arrived meanwhile, before it is given with counts of another moment. */
const mostAttempts = 10;

export function openRegistry(deps: RegistryDeps): Registry {
  const classes = new ClassCounts(deps.db);
  const admitted = deps.admission === undefined ? undefined : new AdmittedIndex(deps, deps.admission);
  const sweeper = new Sweeper(deps.db);
  const kept = new KeptLists();
  const state = (): Promise<RegistryState> => sweeper.sweep(timeText(deps.now()));
  const parts = { ...deps, classes, admitted };
  const taking = { ...deps, intake: new Intake(deps.db) };
  /** Undefined where the index changed meanwhile: counts and page may then be of different moments. */
  const findWhole = async (query: EntryQuery): Promise<EntryList | undefined> => {
    const before = await state();
    return kept.list(before.version, JSON.stringify(query), async () => {
      const list = await findEntries(parts, before, query);
      return (await readState(deps.db.query)).version === before.version ? list : undefined;
    });
  };
  const find = async (query: EntryQuery): Promise<EntryList> => {
    // What is admitted may change with the policy and the clock, without a change of the index.
    for (let left = query.admitted ? 0 : mostAttempts; left > 0; left -= 1) {
      const list = await findWhole(query);
      if (list !== undefined) return list;
    }
    return findEntries(parts, await state(), query);
  };
  return {
    accept: (bytes, sender) => acceptEntry(taking, bytes, sender),
    submit: (bytes, sender) => submitDocument(taking, bytes, sender),
    confirmations: openConfirmations(taking),
    check: (bytes) => checkDocument(deps, bytes),
    version: async () => (await state()).version,
    find: (query) => find(query),
    entry: async (key) => found(await entryByKey(deps, key), key),
    document: async (key) => found(await entryDocument(deps, key), key),
    documents: (entries) =>
      documentsByIds(
        deps,
        entries.map(({ id }) => id),
      ),
    current: (identifier, email) => currentEntry(deps, identifier, email),
    newestByTag: (email, tag) => newestByTag(deps, email, tag),
    history: (identifier, email) => entryHistory(deps, identifier, email),
    image: (identifier) => imageEntries(deps, identifier),
    titles: (identifiers) => titlesOf(deps.db, identifiers),
    endorsers: (query) => listEndorsers(deps.db, query),
    endorser: (email) => showEndorser(deps.db, email),
    reindex: (onProgress) => reindex(deps, onProgress),
  };
}
