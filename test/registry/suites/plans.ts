// Every way of getting a page gives the same page: fetched and sorted, walked in order, or merged from classes.
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pageOfIds, type PagePlan } from '../../../src/registry/page.ts';
import { sortOrders } from '../../../src/registry/query.ts';
import { type OpenTestRegistry, type TestRegistry } from '../open-registry.ts';

export function plansSuite(openTestRegistry: OpenTestRegistry, runs: number): void {
  let subject: TestRegistry;
  let classIds: readonly number[];
  beforeAll(async () => {
    subject = await openTestRegistry();
    for (let number = 0; number < 80; number += 1) {
      const day = String((number % 27) + 1).padStart(2, '0');
      await subject
        .upload({
          image: `image ${number % 60}`,
          title: `title ${(number * 7) % 13}`,
          os: `os ${number % 4}`,
          format: number % 3 === 0 ? 'raw' : 'qcow2',
          endorsed: `2026-0${1 + Math.floor(number / 40)}-${day}T00:00:00Z`,
          ...(number % 10 === 0 ? { deprecated: 'old' } : {}),
        })
        .catch(() => undefined);
    }
    const rows = await subject.db.query.selectFrom('entry_classes').select('id').orderBy('id').execute();
    classIds = rows.map(({ id }) => id);
  });
  afterAll(() => subject.close());

  const plans = fc.record({
    status: fc.constantFrom<PagePlan['status']>('valid', 'deprecated', 'expired', 'all'),
    sort: fc.constantFrom(...sortOrders),
    limit: fc.integer({ min: 1, max: 30 }),
    asOf: fc.constantFrom(80, 40, 70),
    // What is said of the classes' share may be wrong: it decides how a page is got, not what is on it.
    share: fc.constantFrom(0, 0.1, 1, 40),
    chosen: fc.option(fc.uniqueArray(fc.nat({ max: 7 }), { maxLength: 6 }), { nil: undefined }),
    words: fc.constantFrom<readonly string[]>([], ['title'], ['os', 'raw'], ['qco']),
    at: fc.option(fc.nat({ max: 20 }), { nil: undefined }),
  });

  test('whatever the order, the filter and the place', async () => {
    await fc.assert(
      fc.asyncProperty(plans, async ({ chosen, words, at, ...rest }) => {
        const plan: Omit<PagePlan, 'few'> = {
          ...rest,
          ...(chosen === undefined ? {} : { classIds: chosen.flatMap((index) => classIds[index] ?? []) }),
          ...(words.length === 0 ? {} : { narrowing: { words } }),
        };
        const whole = await pageOfIds(subject.db, { ...plan, few: true, limit: 1000 });
        const after = at === undefined ? undefined : whole.rows[at];
        const from = after === undefined ? 0 : (at ?? 0) + 1;
        const place = after === undefined ? plan : { ...plan, after };
        const rows = whole.rows.slice(from, from + plan.limit);
        const expected = { rows, more: whole.rows.length > from + plan.limit };
        expect(await pageOfIds(subject.db, { ...place, few: true })).toEqual(expected);
        expect(await pageOfIds(subject.db, { ...place, few: false })).toEqual(expected);
      }),
      { numRuns: runs },
    );
  });
}
