// Paging while entries arrive, against a model: every page belongs to the registry as it was when the first was read.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type SortOrder } from '../../../src/registry/query.ts';
import { type OpenTestRegistry } from '../open-registry.ts';
import { plainDocument, type PlainEntry } from '../plain-documents.ts';

export function pagingSuite(openTestRegistry: OpenTestRegistry, runs: number): void {
  interface Known {
    readonly order: number;
    readonly title: string;
    readonly endorsed: string;
    readonly image: string;
    readonly email: string;
    readonly os: string;
  }

  const upload = fc.record({
    image: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'),
    email: fc.constantFrom('jane@example.org', 'joe@example.org'),
    os: fc.constantFrom('centos', 'ubuntu'),
    title: fc.constantFrom('apple', 'berry', 'cherry', 'Übermut'),
    hour: fc.integer({ min: 0, max: 23 }),
  });

  const paging = fc.record({
    sort: fc.constantFrom<SortOrder>('-created', 'created', 'title', '-title'),
    status: fc.constantFrom('valid', 'all'),
    os: fc.constantFrom('', 'centos'),
    q: fc.constantFrom('', 'berry', 'example'),
    limit: fc.integer({ min: 1, max: 4 }),
  });

  const titleKeys: Readonly<Record<string, string>> = { Übermut: 'ubermut' };

  /** What the list holds, in order, by the words of the specification. */
  function expected(
    known: readonly Known[],
    { sort, status, os, q }: { sort: SortOrder; status: string; os: string; q: string },
  ): readonly number[] {
    const value = (entry: Known) =>
      sort.endsWith('created') ? entry.endorsed : (titleKeys[entry.title] ?? entry.title);
    const sign = sort.startsWith('-') ? -1 : 1;
    return known
      .filter((entry) => {
        const replaced = known.some(
          (other) => other.image === entry.image && other.email === entry.email && other.order > entry.order,
        );
        return (
          (status === 'all' || !replaced) &&
          (os === '' || entry.os === os) &&
          (q === '' || q === 'example' || entry.title === q)
        );
      })
      .sort((a, b) => sign * (value(a) < value(b) ? -1 : value(a) > value(b) ? 1 : a.order - b.order))
      .map(({ order }) => order);
  }

  test('pages together are the list of the first page, whatever arrives between them', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(upload, { minLength: 3, maxLength: 25 }),
        fc.array(fc.array(upload, { maxLength: 3 }), { maxLength: 12 }),
        paging,
        async (before, between, query) => {
          const subject = await openTestRegistry();
          const known: Known[] = [];
          const send = async ({ hour, ...entry }: (typeof before)[number]) => {
            const endorsed = `2026-01-01T${String(hour).padStart(2, '0')}:00:00Z`;
            const document: PlainEntry = { ...entry, endorsed };
            await subject.registry.accept(plainDocument(document), {}).then(
              ({ outcome, entry: { id } }) =>
                outcome === 'created' ? known.push({ ...entry, endorsed, order: id }) : undefined,
              () => undefined,
            );
          };
          try {
            for (const entry of before) await send(entry);
            const wanted = expected(known, query);
            const seen: number[] = [];
            const arrivals = [...between];
            let page = await subject.find(query);
            expect(page.total).toBe(wanted.length);
            seen.push(...page.entries.map(({ id }) => id));
            while (page.next !== undefined) {
              for (const entry of arrivals.shift() ?? []) await send(entry);
              page = await subject.find({ ...query, cursor: page.next });
              seen.push(...page.entries.map(({ id }) => id));
            }
            expect(seen).toEqual(wanted);
          } finally {
            await subject.close();
          }
        },
      ),
      { numRuns: runs },
    );
  }, 120_000);
}
