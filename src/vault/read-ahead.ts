// Notices who reads a disk from front to back, and brings the next chunks before they are asked for.

/** Readers of one disk that are followed at once. */
const readersFollowed = 8;
const leastAhead = 2;

export interface ReadAhead {
  /** A chunk was asked for. */
  touch(index: number): void;
}

/**
 * `bring` is called with the first and the last of the chunks that will probably be wanted next, `mostAhead` ahead at most: twice as many each time the
 * reader went on, so that who reads here and there costs nothing; and none while half of them are there, so that many come together.
 */
export function createReadAhead(
  chunks: number,
  mostAhead: number,
  bring: (first: number, last: number) => void,
): ReadAhead {
  // Where each reader is, how far it was brought ahead, and how far ahead that may be; those that moved last are at the end.
  const readers: { last: number; brought: number; window: number }[] = [];
  return {
    touch(index) {
      const found = readers.findIndex(({ last }) => index === last || index === last + 1);
      const [reader] = found === -1 ? [{ last: index, brought: index, window: 1 }] : readers.splice(found, 1);
      if (reader === undefined) return;
      readers.push(reader);
      if (readers.length > readersFollowed) readers.shift();
      if (found === -1 || index === reader.last) return;
      reader.last = index;
      reader.window = Math.min(mostAhead, Math.max(leastAhead, reader.window * 2));
      const until = Math.min(chunks - 1, index + reader.window);
      const first = Math.max(reader.brought, index) + 1;
      if (first > until || first - 1 - index > reader.window / 2) return;
      bring(first, until);
      reader.brought = until;
    },
  };
}
