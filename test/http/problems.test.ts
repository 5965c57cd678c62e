// What programs see of failures: the particulars of expected ones, and nothing of the rest.
import { expect, test } from 'vitest';
import { Fault } from '../../src/errors/fault.ts';
import { problemOf } from '../../src/http/problems.ts';

test('a fault becomes a problem document with its particulars', () => {
  const fault = new Fault('registry.refused', 'no', { details: { failures: [{ code: 'x' }], status: 200 } });
  expect(problemOf(fault)).toMatchObject({
    type: 'urn:mintmark:fault:registry.refused',
    status: 422,
    detail: 'no',
    code: 'registry.refused',
    failures: [{ code: 'x' }],
  });
});

test('the message of an unexpected error stays inside', () => {
  const problem = problemOf(new Error('password=hunter2'));
  expect(problem.status).toBe(500);
  expect(JSON.stringify(problem)).not.toContain('hunter2');
});

test.each([
  [413, 'too-large'],
  [415, 'media-type'],
  [400, 'usage'],
])('status %i of the framework is the caller’s mistake', (status, code) => {
  expect(problemOf(Object.assign(new Error('x'), { status })).code).toBe(code);
});
