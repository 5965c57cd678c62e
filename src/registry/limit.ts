// How many documents one endorser may upload in an hour, counted in the transaction that takes them in.
import { type Queries } from '../db/database.ts';
import { Fault } from '../errors/fault.ts';

export interface LimitedUpload {
  readonly email: string;
  /** When it came, `YYYY-MM-DDThh:mm:ssZ`. */
  readonly at: string;
  /** Uploads that its endorser may have within the hour. */
  readonly limit: number;
}

const hourOf = (at: string): string => at.slice(0, 13);

function tooMany({ email, at, limit }: LimitedUpload): Fault {
  const retryAfter = 3600 - (Math.floor(Date.parse(at) / 1000) % 3600);
  return new Fault('registry.endorser-limit', `${email} has had ${limit} documents taken in within this hour`, {
    details: { retryAfter },
  });
}

/** The uploads of some endorsers, as one transaction counts them. */
export class UploadCounts {
  readonly #known: ReadonlyMap<string, number>;
  readonly #added = new Map<string, { readonly email: string; readonly hour: string; uploads: number }>();

  private constructor(known: ReadonlyMap<string, number>) {
    this.#known = known;
  }

  static async of(queries: Queries, emails: readonly string[]): Promise<UploadCounts> {
    const rows = await queries
      .selectFrom('endorser_uploads')
      .selectAll()
      .where('email', 'in', [...new Set(emails)])
      .execute();
    return new UploadCounts(new Map(rows.map(({ email, hour, uploads }) => [`${hour} ${email}`, uploads])));
  }

  /** Counts one, or returns `registry.endorser-limit` (details.retryAfter: seconds) where that would be one too many. */
  add(upload: LimitedUpload): Fault | undefined {
    const { email, at, limit } = upload;
    const hour = hourOf(at);
    const key = `${hour} ${email}`;
    const added = this.#added.get(key)?.uploads ?? 0;
    if ((this.#known.get(key) ?? 0) + added >= limit) return tooMany(upload);
    this.#added.set(key, { email, hour, uploads: added + 1 });
    return undefined;
  }

  async write(queries: Queries): Promise<void> {
    if (this.#added.size === 0) return;
    await queries
      .insertInto('endorser_uploads')
      .values([...this.#added.values()])
      .onConflict((conflict) =>
        conflict
          .columns(['email', 'hour'])
          .doUpdateSet((row) => ({ uploads: row('endorser_uploads.uploads', '+', row.ref('excluded.uploads')) })),
      )
      .execute();
    for (const [key, { email, hour }] of this.#added) {
      if (this.#known.has(key)) continue;
      await queries.deleteFrom('endorser_uploads').where('email', '=', email).where('hour', '<', hour).execute();
    }
  }
}
