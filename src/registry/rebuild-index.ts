// Makes the whole index again from documents that come in the order in which they were accepted, many at a time.
import { sql } from 'kysely';
import { type Dialect, type Queries } from '../db/database.ts';
import { deleteAllWords, insertWords } from '../db/dialect.ts';
import { insertRows } from '../db/insert-rows.ts';
import { type Tables } from '../db/tables.ts';
import { type ImageMetadata } from '../metadata/model.ts';
import { traitsOf, traitsText } from './facets.ts';
import { detailsRow, entryRow, storedStatus, type AcceptedDocument, type StoredStatus } from './index-rows.ts';
import { signingOf } from './signings.ts';
import { type RegistryState } from './state.ts';
import { entryWords } from './words.ts';

const current = (status: StoredStatus) => sql`count(*) filter (where replaced_by is null and status = ${status})`;

type EndorserSigner = Pick<Tables['endorsers'], 'subject' | 'issuer' | 'fingerprint'>;

/** What an index has that was built by accepting the documents one by one (index-entry.ts), with fewer statements. */
export class IndexRebuild {
  readonly #dialect: Dialect;
  readonly #queries: Queries;
  readonly #state: RegistryState;
  /** Ids by the text of their facets. */
  readonly #classes = new Map<string, number>();
  /** Ids by their digests. */
  readonly #signings = new Map<string, number>();
  /** Of each endorser, who signed last. */
  readonly #signers = new Map<string, EndorserSigner>();

  /** In a transaction that holds the row of the registry. */
  constructor(dialect: Dialect, queries: Queries, state: RegistryState) {
    this.#dialect = dialect;
    this.#queries = queries;
    this.#state = state;
  }

  /** Throws away the index as it is. */
  async begin(): Promise<void> {
    await deleteAllWords(this.#queries);
    for (const name of ['entry_details', 'entries', 'signings', 'endorsers'] as const) {
      await this.#queries.deleteFrom(name).execute();
    }
    // Classes stay, so that their ids mean the same to every process that has them in memory.
    const none = { valid_count: 0, expired_count: 0, deprecated_count: 0, all_count: 0, version: this.#state.version };
    const classes = await this.#queries.updateTable('entry_classes').set(none).returning(['id', 'facets']).execute();
    for (const { id, facets } of classes) this.#classes.set(facets, id);
  }

  async add(documents: readonly AcceptedDocument[]): Promise<void> {
    if (documents.length === 0) return;
    const classes: Tables['entry_classes'][] = [];
    const signings: Tables['signings'][] = [];
    const rows = documents.map((document) => {
      const { id, report } = document;
      const { metadata, signer } = report;
      const { subject, issuer, fingerprint } = signer;
      this.#signers.set(metadata.endorsement.endorser.email, { subject, issuer, fingerprint });
      const classId = this.#classOf(id, metadata, classes);
      const status = storedStatus(metadata, this.#state.sweptAt);
      return {
        entry: entryRow(document, { classId, status }),
        details: detailsRow(document, this.#signingOf(document, signings)),
        words: { id, words: entryWords(metadata) },
      };
    });
    const all = <Name extends keyof (typeof rows)[number]>(name: Name) => rows.map((row) => row[name]);
    await insertRows(this.#queries, 'entry_classes', classes);
    await insertRows(this.#queries, 'signings', signings);
    await insertRows(this.#queries, 'entries', all('entry'));
    await insertRows(this.#queries, 'entry_details', all('details'));
    await insertWords(this.#dialect, this.#queries, all('words'));
  }

  /** Says which entries were replaced, and counts. */
  async finish(): Promise<void> {
    await sql`update entries set replaced_by = newer.id
      from (select id, lag(id) over (partition by identifier, email order by id) as replaced from entries) as newer
      where entries.id = newer.replaced`.execute(this.#queries);
    await sql`update entry_classes set all_count = counted.all_count, valid_count = counted.valid_count,
        expired_count = counted.expired_count, deprecated_count = counted.deprecated_count
      from (select class_id, count(*) as all_count, ${current('valid')} as valid_count,
        ${current('expired')} as expired_count, ${current('deprecated')} as deprecated_count
        from entries group by class_id) as counted
      where entry_classes.id = counted.class_id`.execute(this.#queries);
    const endorsers = await this.#queries
      .selectFrom('entries')
      .select(({ fn }) => [
        'email',
        fn.min('created').as('first_created'),
        fn.max('created').as('last_created'),
        fn.countAll<number>().as('entries'),
        fn.count<number>('identifier').distinct().as('images'),
      ])
      .groupBy('email')
      .execute();
    const signed = endorsers.flatMap((endorser) => {
      const signer = this.#signers.get(endorser.email);
      return signer === undefined ? [] : [{ ...endorser, ...signer }];
    });
    await insertRows(this.#queries, 'endorsers', signed);
  }

  /** The class with these facets; one that is new is put into `made`. */
  #classOf(id: number, metadata: ImageMetadata, made: Tables['entry_classes'][]): number {
    const facets = traitsText(traitsOf(metadata));
    const known = this.#classes.get(facets);
    if (known !== undefined) return known;
    const { version } = this.#state;
    made.push({ id, facets, valid_count: 0, expired_count: 0, deprecated_count: 0, all_count: 0, version });
    this.#classes.set(facets, id);
    return id;
  }

  #signingOf({ id, report }: AcceptedDocument, made: Tables['signings'][]): number {
    const signing = signingOf(report);
    const known = this.#signings.get(signing.digest);
    if (known !== undefined) return known;
    made.push({ id, ...signing });
    this.#signings.set(signing.digest, id);
    return id;
  }
}
