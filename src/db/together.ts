// Does for all who wait at the same moment at once what each could have done alone.

/** Items that are done together, at most: the first of them waits for the last. */
const mostTogether = 32;

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Runs items one group after the other, a group being those that wait when the one before has ended. An item that fails
 * takes none of the others with it: where a group fails, each of its items is run again, alone. So an item may run twice,
 * and a group that fails must leave nothing behind.
 */
export class Together<Item, Result> {
  readonly #run: (items: readonly Item[]) => Promise<readonly Result[]>;
  readonly #waiting: Waiting<Item, Result>[] = [];
  #running = false;

  /** `run` gives one result for each item, in their order. */
  constructor(run: (items: readonly Item[]) => Promise<readonly Result[]>) {
    this.#run = run;
  }

  do(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      if (!this.#running) void this.#runAll();
    });
  }

  async #runAll(): Promise<void> {
    this.#running = true;
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0, mostTogether);
      try {
        await this.#attempt(group);
      } catch (error) {
        if (group.length === 1) group[0]?.reject(error);
        else for (const each of group) await this.#attempt([each]).catch(each.reject);
      }
    }
    this.#running = false;
  }

  async #attempt(group: readonly Waiting<Item, Result>[]): Promise<void> {
    const results = await this.#run(group.map(({ item }) => item));
    for (const [place, result] of results.entries()) group[place]?.resolve(result);
  }
}
