// docs/metadata-rules.md and the tables in the code list the same codes, with the same words.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { rules } from '../../src/metadata/rules.ts';
import { signatureCodes } from '../../src/signature/codes.ts';
import { trustCodes } from '../../src/trust/codes.ts';
import { xmlCodes } from '../../src/xml/codes.ts';

test('every code is documented, and every documented code is there', () => {
  const page = readFileSync(new URL('../../docs/metadata-rules.md', import.meta.url), 'utf8');
  const documented = new Map(
    page
      .split('\n')
      .map((line) => line.split('|').map((cell) => cell.trim()))
      .filter((cells) => /^`[a-z][a-z0-9-]*`$/.test(cells[1] ?? ''))
      .map((cells) => [cells[1]?.slice(1, -1) ?? '', cells.at(-2) ?? '']),
  );
  for (const code of ['unreadable', 'time-limit']) expect(documented.delete(code)).toBe(true);
  const titles = Object.entries(rules).map(([code, rule]) => [code, rule.title]);
  const known = new Map([
    ...Object.entries(xmlCodes),
    ...titles,
    ...Object.entries(signatureCodes),
    ...Object.entries(trustCodes),
  ] as [string, string][]);
  expect(Object.fromEntries(documented)).toEqual(Object.fromEntries(known));
});
