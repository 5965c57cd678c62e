// Those that wait at the same moment are done at once, and one that fails spoils none of the others.
import { expect, test } from 'vitest';
import { Together } from '../../src/db/together.ts';

const wrong = new Error('not this one');

/** Doubles numbers; 3 fails. */
function doubling() {
  const groups: (readonly number[])[] = [];
  const together = new Together<number, number>(async (numbers) => {
    groups.push(numbers);
    await Promise.resolve();
    if (numbers.includes(3)) throw wrong;
    return numbers.map((number) => 2 * number);
  });
  return { groups, together };
}

test('the first goes at once, those that come meanwhile go together, and never too many', async () => {
  const { groups, together } = doubling();
  const numbers = Array.from({ length: 40 }, (_, index) => 10 + index);
  expect(await Promise.all(numbers.map((number) => together.do(number)))).toEqual(numbers.map((number) => 2 * number));
  expect(groups.map(({ length }) => length)).toEqual([1, 32, 7]);
  expect(await together.do(1)).toBe(2);
});

test('where a group fails each is done again alone, and only those that fail then are told so', async () => {
  const { groups, together } = doubling();
  const results = await Promise.allSettled([1, 2, 3, 4].map((number) => together.do(number)));
  expect(results).toEqual([
    { status: 'fulfilled', value: 2 },
    { status: 'fulfilled', value: 4 },
    { status: 'rejected', reason: wrong },
    { status: 'fulfilled', value: 8 },
  ]);
  expect(groups).toEqual([[1], [2, 3, 4], [2], [3], [4]]);
  expect(await together.do(5)).toBe(10);
});
