// One commit for all who write at the same moment: the disk is waited for once, and each is answered after it.
import { type Kysely } from 'kysely';

/** Writes that share one transaction, at most: the first of them waits for the last. */
const mostTogether = 32;

interface Write<Tables> {
  /** Runs the work; what it returns says that the work is done. */
  readonly run: (queries: Kysely<Tables>) => Promise<() => void>;
  readonly failed: (error: unknown) => void;
}

/**
 * Runs writes one after the other, those that wait in one transaction. A write that fails takes none of the others with
 * it: they are all taken back, and each is run again in a transaction of its own. So work may run twice, and must keep
 * nothing from a run but its result.
 */
export class GroupCommit<Tables> {
  readonly #query: Kysely<Tables>;
  readonly #waiting: Write<Tables>[] = [];
  #running = false;

  constructor(query: Kysely<Tables>) {
    this.#query = query;
  }

  /** Resolves with what `work` returned when that is on disk; rejects, with nothing changed, where it or the commit fails. */
  write<Result>(work: (queries: Kysely<Tables>) => Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      const run = async (queries: Kysely<Tables>): Promise<() => void> => {
        const result = await work(queries);
        return () => resolve(result);
      };
      this.#waiting.push({ run, failed: reject });
      if (!this.#running) void this.#runAll();
    });
  }

  async #runAll(): Promise<void> {
    this.#running = true;
    while (this.#waiting.length > 0) {
      const together = this.#waiting.splice(0, mostTogether);
      const failure = await this.#attempt(together);
      if (failure === undefined) continue;
      for (const write of together) {
        const alone = together.length === 1 ? failure : await this.#attempt([write]);
        if (alone !== undefined) write.failed(alone.cause);
      }
    }
    this.#running = false;
  }

  /** Tells all writes that they are done, once they are on disk; or returns why none is. */
  async #attempt(writes: readonly Write<Tables>[]): Promise<{ readonly cause: unknown } | undefined> {
    let first: { readonly cause: unknown } | undefined;
    try {
      const done = await this.#query.transaction().execute(async (queries) => {
        const finished: (() => void)[] = [];
        try {
          for (const { run } of writes) finished.push(await run(queries));
        } catch (cause) {
          first = { cause };
          throw cause;
        }
        return finished;
      });
      for (const tell of done) tell();
      return undefined;
    } catch (cause) {
      // SQLite takes a transaction back by itself where the disk is full; that it cannot be taken back twice is no news.
      return first ?? { cause };
    }
  }
}
