// Lists that were asked for, kept until the registry changes: the front page is the same for everyone.
import { type EntryList } from './find.ts';

/** Entries in the lists that are kept, at most. */
const mostEntries = 2000;

export class KeptLists {
  readonly #lists = new Map<string, Promise<EntryList | undefined>>();
  #version = -1;
  #entries = 0;

  /**
   * The list that `find` gives for this query at this version of the index; found once while others wait for it. Undefined,
   * and not kept, where the index changed while it was being found.
   */
  list(version: number, query: string, find: () => Promise<EntryList | undefined>): Promise<EntryList | undefined> {
    if (version !== this.#version) {
      this.#lists.clear();
      this.#entries = 0;
      this.#version = version;
    }
    const kept = this.#lists.get(query);
    if (kept !== undefined) return kept;
    const found = this.#found(version, query, find);
    this.#lists.set(query, found);
    return found;
  }

  async #found(
    version: number,
    query: string,
    find: () => Promise<EntryList | undefined>,
  ): Promise<EntryList | undefined> {
    try {
      const list = await find();
      if (version === this.#version) {
        if (list === undefined) this.#lists.delete(query);
        else this.#count(list.entries.length + 1);
      }
      return list;
    } catch (error) {
      if (version === this.#version) this.#lists.delete(query);
      throw error;
    }
  }

  /** Where there are too many, all go: what is asked for often is soon back. */
  #count(entries: number): void {
    this.#entries += entries;
    if (this.#entries <= mostEntries) return;
    this.#lists.clear();
    this.#entries = 0;
  }
}
