// One commit for all who write at the same moment: the disk is waited for once, and each is answered after it.
import { type Kysely } from 'kysely';
import { Together } from './together.ts';

/** Says that the work is done, with its result. */
type Tell = () => void;

/** Runs writes one after the other, those that wait in one transaction; see {@link Together} for one that fails. */
export class GroupCommit<Tables> {
  readonly #writes: Together<(queries: Kysely<Tables>) => Promise<Tell>, Tell>;

  constructor(query: Kysely<Tables>) {
    this.#writes = new Together((works) => commitAll(query, works));
  }

  /**
   * Resolves with what `work` returned when that is on disk; rejects, with nothing changed, where it or the commit fails.
   * Work may run twice, and must keep nothing from a run but its result.
   */
  write<Result>(work: (queries: Kysely<Tables>) => Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      const run = async (queries: Kysely<Tables>): Promise<Tell> => {
        const result = await work(queries);
        return () => resolve(result);
      };
      this.#writes.do(run).then((tell) => tell(), reject);
    });
  }
}

async function commitAll<Tables, Result>(
  query: Kysely<Tables>,
  works: readonly ((queries: Kysely<Tables>) => Promise<Result>)[],
): Promise<readonly Result[]> {
  let first: { readonly cause: unknown } | undefined;
  try {
    return await query.transaction().execute(async (queries) => {
      const results: Result[] = [];
      try {
        for (const work of works) results.push(await work(queries));
      } catch (cause) {
        first = { cause };
        throw cause;
      }
      return results;
    });
  } catch (cause) {
    // SQLite takes a transaction back by itself where the disk is full; that it cannot be taken back twice is no news.
    throw first === undefined ? cause : first.cause;
  }
}
