// Tables for people: aligned, cut to a terminal's width, and one line each whatever others wrote into them.
import { expect, test } from 'vitest';
import { table } from '../../cli/print.ts';

const rows = [
  ['identifier', 'title', 'standing'],
  ['Mzpoqw55lK9h_AoiJh0ibPT5K0y', 'A title that goes on and on and on', 'valid'],
];

test('columns are aligned, and not cut where there is no terminal', () => {
  expect(table(rows).split('\n')).toEqual([
    'identifier                   title                               standing',
    'Mzpoqw55lK9h_AoiJh0ibPT5K0y  A title that goes on and on and on  valid',
  ]);
});

test('a terminal cuts the columns that may be cut, down to a width that still says something', () => {
  const [, shown] = table(rows, { width: 60, columns: [1] }).split('\n');
  expect(shown).toBe('Mzpoqw55lK9h_AoiJh0ibPT5K0y  A title that goes on…  valid');
  expect(table(rows, { width: 20, columns: [1] })).toContain('  A title tha…  valid');
});

test('what others wrote cannot steer the terminal', () => {
  const text = table([['title', 'one\n\ttwo \u009b31m\u001b]0;x\u0007 \u202Egnp.exe']]);
  expect(text).toBe('title  one two \uFFFD31m\uFFFD]0;x\uFFFD \uFFFDgnp.exe');
});
