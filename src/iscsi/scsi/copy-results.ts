// How the last copies of each initiator went, until it asks or others push them out (SPC-4 §6.18).

const mostResults = 16;

export class CopyResults {
  /** Segments that were copied, by nexus and list identifier; the oldest come first. */
  readonly #results = new Map<string, number>();

  keep(nexus: string, listId: number, segments: number): void {
    const key = `${nexus} ${listId}`;
    this.#results.delete(key);
    this.#results.set(key, segments);
    for (const oldest of this.#results.keys()) {
      if (this.#results.size <= mostResults) break;
      this.#results.delete(oldest);
    }
  }

  /** Segments of the copy with this list identifier, or undefined where none is known. */
  find(nexus: string, listId: number): number | undefined {
    return this.#results.get(`${nexus} ${listId}`);
  }
}
