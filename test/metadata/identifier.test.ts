// The identifier's encoding: the vectors of the design, and that it is a bijection on SHA-1 values.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeIdentifier, encodeIdentifier, isIdentifier } from '../../src/metadata/identifier.ts';

test.each([
  ['c319bbd5afc0a22ba3eaed0507c39383ec28eeff', 'MMZu9WvwKIro-rtBQfDk4PsKO7_'],
  ['0'.repeat(40), 'A'.repeat(27)],
  ['f'.repeat(40), `P${'_'.repeat(26)}`],
  ['1104f3e30c030f8b93f220b04131032dddf51f21', 'BEE8-MMAw-Lk_IgsEExAy3d9R8h'],
])('%s is %s', (sha1, identifier) => {
  expect(encodeIdentifier(sha1)).toBe(identifier);
  expect(encodeIdentifier(sha1.toUpperCase())).toBe(identifier);
  expect(decodeIdentifier(identifier)).toBe(sha1);
});

test('every SHA-1 comes back from its identifier', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[0-9a-f]{40}$/), (sha1) => {
      const identifier = encodeIdentifier(sha1);
      expect(isIdentifier(identifier)).toBe(true);
      expect(decodeIdentifier(identifier)).toBe(sha1);
    }),
  );
});

test.each(['', 'c319', '0c319bbd5afc0a22ba3eaed0507c39383ec28eeff', 'x'.repeat(40)])('%s is no SHA-1', (sha1) => {
  expect(() => encodeIdentifier(sha1)).toThrow(RangeError);
});

test.each(['', 'Q'.repeat(27), 'A'.repeat(26), 'A'.repeat(28), `A${'+'.repeat(26)}`])('%s is no identifier', (text) => {
  expect(isIdentifier(text)).toBe(false);
  expect(() => decodeIdentifier(text)).toThrow(RangeError);
});
