// Reading policies: JSON, StratusLab's policy.cfg, and what is told where they are wrong.
import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Fault } from '../../src/errors/fault.ts';
import { readPolicy } from '../../src/policy/read.ts';
import { policyJsonSchema } from '../../src/policy/schema.ts';

const imageA = `A${'b'.repeat(26)}`;
const imageB = `B${'c'.repeat(26)}`;

function problemsOf(text: string): unknown {
  try {
    readPolicy(text);
  } catch (error) {
    if (error instanceof Fault && error.code === 'policy.invalid') return error.details['problems'];
    throw error;
  }
  throw new Error('it was taken');
}

describe('JSON', () => {
  test.each([
    ['{', [{ path: '', message: expect.stringContaining('not JSON') as unknown }]],
    ['{"version":2}', [{ path: 'version' }]],
    ['{"version":1,"endorser":{}}', [{ path: '', message: expect.stringContaining('endorser') as unknown }]],
    ['{"version":1,"endorsers":{"allow":["jane"]}}', [{ path: 'endorsers.allow.0' }]],
    ['{"version":1,"endorsers":{"allow":[]}}', [{ path: 'endorsers.allow' }]],
    [
      '{"version":1,"images":{"deny":["x"]},"formats":{"allow":["tar"]}}',
      [{ path: 'images.deny.0' }, { path: 'formats.allow.0' }],
    ],
    ['{"version":1,"conditions":[{"name":"a","require":"image.os =="}]}', [{ path: 'conditions.0.require' }]],
    ['{"version":1,"conditions":[{"name":"a","deny":"image.nothing == \\"\\""}]}', [{ path: 'conditions.0.deny' }]],
    [
      '{"version":1,"conditions":[{"name":"a","deny":"image.os"}]}',
      [{ path: 'conditions.0.deny', message: 'gives a string, not true or false' }],
    ],
    ['{"version":1,"conditions":[{"name":"a"}]}', [{ path: 'conditions.0' }]],
  ])('%s', (text, problems) => {
    expect(problemsOf(text)).toMatchObject(problems);
  });

  test('a policy of one line is enough', () => {
    expect(readPolicy('{"version":1}').document).toEqual({ version: 1, expired: 'deny', deprecated: 'deny' });
  });
});

describe('policy.cfg', () => {
  test('lists in sections, one value a line or parted by commas', () => {
    const { document } = readPolicy(`# a site's policy
[endorsers]
whitelistendorsers = jane@example.org
    joe@example.org
blacklistendorsers: eve@example.org, mallory@example.org

[images]
whitelistimages =
    ${imageA}
    ${imageB}
blacklistimages =

; known to be bad
[checksums]
blacklistchecksums = ${'A'.repeat(40)}
`);
    expect(document).toMatchObject({
      endorsers: { allow: ['jane@example.org', 'joe@example.org'], deny: ['eve@example.org', 'mallory@example.org'] },
      images: { allow: [imageA, imageB] },
      checksums: { deny: ['a'.repeat(40)] },
    });
    expect(document.images).not.toHaveProperty('deny');
  });

  test('the form with a section per list, which its installer wrote', () => {
    const { document } = readPolicy(`[validatemetadatafile]
activate = True
[whitelistendorsers]
group1 = jane@example.org, joe@example.org
[blacklistimages]
activate = no
group1 = ${imageA}
`);
    expect(document.endorsers).toEqual({ allow: ['jane@example.org', 'joe@example.org'] });
    expect(document.images).toBeUndefined();
  });

  test.each([
    ['[endorser]\nx = y', 1],
    ['[endorsers]\nwhitelist = y', 2],
    ['[endorsers]\nblacklistimages = y', 2],
    ['whitelistendorsers = y', 1],
    ['[endorsers]\n\njane@example.org', 3],
    ['[validatemetadatafile]\nactivate = no', 2],
  ])('%j is wrong in line %d', (text, line) => {
    expect(problemsOf(text)).toMatchObject([{ line }]);
  });

  test('values are checked as in JSON', () => {
    expect(problemsOf('[endorsers]\nwhitelistendorsers = jane')).toMatchObject([{ path: 'endorsers.allow.0' }]);
  });
});

function outcome(value: string): string {
  try {
    return `version ${readPolicy(value).document.version}`;
  } catch (error) {
    return error instanceof Fault ? error.code : String(error);
  }
}

test('no text breaks the reader: it is a policy or it is refused', () => {
  const lines = fc.constantFrom(
    '[endorsers]',
    '[images]',
    '[whitelistimages]',
    'whitelistendorsers = a@b',
    ' c@d',
    'x=y',
    '{',
    '"',
    '#',
  );
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(lines).map((parts) => parts.join('\n')),
    fc.json(),
  );
  fc.assert(
    fc.property(text, (value) => {
      expect(['version 1', 'policy.invalid']).toContain(outcome(value));
    }),
    { numRuns: 500 },
  );
});

test('schemas/policy.schema.json is what the code checks', () => {
  const file = new URL('../../schemas/policy.schema.json', import.meta.url);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(policyJsonSchema());
});
