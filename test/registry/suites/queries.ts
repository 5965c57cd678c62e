// The text of every query that the registry sends, operation by operation, as a file that is reviewed.
import { type TestRegistry } from '../open-registry.ts';

const operations: readonly (readonly [string, (subject: TestRegistry) => Promise<unknown>])[] = [
  ['accept a document', ({ upload }) => upload({ image: 'a', endorsed: '2026-01-01T00:00:00Z', title: 'one' })],
  ['accept a newer one', ({ upload }) => upload({ image: 'a', endorsed: '2026-01-02T00:00:00Z', title: 'two' })],
  ['the same bytes again', ({ upload }) => upload({ image: 'a', endorsed: '2026-01-02T00:00:00Z', title: 'two' })],
  ['refuse a document', ({ registry }) => registry.accept(Buffer.from('x'), {}).catch(() => undefined)],
  ['first page', ({ find }) => find()],
  ['by title, with a filter', ({ find }) => find({ sort: 'title', format: 'raw' })],
  ['all, with history', ({ find }) => find({ status: 'all' })],
  ['words', ({ find }) => find({ q: 'two image' })],
  ['an endorser', ({ find }) => find({ email: 'jane@example.org' })],
  ['history of an image', ({ registry }) => registry.history('x', 'y')],
  ['titles of images', ({ registry }) => registry.titles(['x', 'y'])],
  ['by tag', ({ registry }) => registry.newestByTag('jane@example.org', 'stable')],
  ['endorsers', ({ registry }) => registry.endorsers({ limit: 10, after: undefined })],
  ['one endorser', ({ registry }) => registry.endorser('jane@example.org')],
  ['reindex', ({ registry }) => registry.reindex()],
];

/** What a cursor leads to, while an entry of the page before has been replaced. */
async function nextPage(subject: TestRegistry, said: string[]): Promise<void> {
  await subject.upload({ image: 'b', endorsed: '2026-01-03T00:00:00Z' });
  const { next } = await subject.find({ limit: 1 });
  await subject.upload({ image: 'b', endorsed: '2026-01-04T00:00:00Z' });
  said.length = 0;
  await subject.find({ limit: 1, ...(next === undefined ? {} : { cursor: next }) });
}

/** Runs every operation; `said` gathers the queries of the registry's database. */
export async function queriesOf(subject: TestRegistry, said: string[]): Promise<string> {
  const parts: string[] = [];
  const note = (name: string): void => {
    const texts = said.map((text) => text.replaceAll(/\s+/gu, ' ').trim());
    parts.push(`-- ${name}\n${texts.map((text) => `${text};`).join('\n')}\n`);
  };
  for (const [name, operation] of operations) {
    said.length = 0;
    await operation(subject);
    note(name);
  }
  await nextPage(subject, said);
  note('next page');
  return parts.join('\n');
}
