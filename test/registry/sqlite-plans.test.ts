// Which indexes SQLite takes for lists: it keeps no statistics, so a condition that leaves few entries must not lose to one
// that leaves nearly all.
import { CompiledQuery } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDatabase } from '../../src/db/database.ts';
import { pageOfIds } from '../../src/registry/page.ts';
import { registryOver, type TestRegistry } from './open-registry.ts';

let subject: TestRegistry;
let said: { readonly text: string; readonly parameters: readonly unknown[] }[] = [];

const onQuery = (text: string, parameters: readonly unknown[]) => said.push({ text, parameters });

beforeAll(async () => {
  subject = registryOver(await openDatabase({ file: ':memory:' }, { onQuery }));
  await subject.upload({ image: 'one', tag: 'stable', os: 'centos' });
});
afterAll(() => subject.close());

/** How the queries of `ask` about entries get at them. */
async function plansOf(ask: () => Promise<unknown>): Promise<string> {
  said = [];
  await ask();
  const asked = said.filter(({ text }) => / entries e |"entries" as "e"/u.test(text));
  const plans = await Promise.all(
    asked.map(async ({ text, parameters }) => {
      const plan = CompiledQuery.raw(`explain query plan ${text}`, [...parameters]);
      return (await subject.db.query.executeQuery<{ detail: string }>(plan)).rows.map(({ detail }) => detail);
    }),
  );
  return plans.flat().join('\n');
}

test.each([
  [{ identifier: 'x' }, 'identifier=?'],
  [{ identifier: 'x', sort: 'title' }, 'identifier=?'],
  [{ email: 'jane@example.org' }, 'entries_by_email'],
  [{ email: 'jane@example.org', sort: 'title' }, 'entries_by_email'],
  [{ tag: 'stable' }, 'entries_of_tag'],
  [{ created: '2026-01-01T00:00:00Z' }, 'created=?'],
] as const)('a list of %j is found by that', async (query, index) => {
  const plans = await plansOf(() => subject.find(query));
  expect(plans).toContain(index);
  expect(plans).not.toMatch(/INDEX entries_current_by_\w+ \(status=\?\)|SCAN e\b/u);
});

test.each(['created', '-title'] as const)(
  'of each class the first entries by %s are read, and no more',
  async (sort) => {
    const plan = { status: 'valid', sort, limit: 5, asOf: 1, classIds: [0], few: false } as const;
    const plans = await plansOf(() => pageOfIds(subject.db, plan));
    expect(plans).toContain(`entries_of_class_by_${sort.replace('-', '')}`);
  },
);
