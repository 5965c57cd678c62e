// A policy in plain sentences: every member that can deny something is explained, in the words of the verdicts.
import { expect, test } from 'vitest';
import { explainPolicy } from '../../src/policy/explain.ts';
import { defaultPolicy, judge, verdictBasis } from '../../src/policy/policy.ts';
import { readPolicy } from '../../src/policy/read.ts';
import { plainMetadata } from '../registry/plain-documents.ts';
import { samplePolicy } from '../pages/sample.ts';

const signer = { subject: 'CN=x', issuer: 'CN=x', fingerprint: 'f', algorithm: 'RSA-SHA256', key: 'RSA 3072' };
const now = new Date('2026-06-01T00:00:00Z');

test('every rule that gives a verdict is explained', () => {
  for (const policy of [samplePolicy, defaultPolicy]) {
    const withdrawal = { from: '2026-01-01T00:00:00Z', reason: 'stolen' };
    const facts = { metadata: plainMetadata({ withdrawal }), signer, weak: false };
    const judged = judge(policy, facts, now).rules.map(({ rule }) => rule);
    expect(explainPolicy(policy.document).map(({ rule }) => rule)).toEqual(judged);
  }
});

test('says what is admitted', () => {
  const sentences = explainPolicy(samplePolicy.document).map(({ sentence, values }) =>
    [sentence, ...(values ?? [])].join(' '),
  );
  expect(sentences).toContain('Only these disk formats are admitted: raw qcow2');
  expect(sentences).toContain('Only these operating systems are admitted: centos: 5.5, 6 debian: any version; x86_64');
  expect(sentences).toContain('“small” must not be true: image.bytes > 1000000000');
  const nothing = readPolicy('{"version": 1, "expired": "allow", "deprecated": "allow"}');
  expect(explainPolicy(nothing.document).map(({ rule }) => rule)).toEqual(['withdrawn']);
});

test('verdicts of a policy that looks at the time hold for ten minutes', () => {
  const later = new Date(now.getTime() + 11 * 60 * 1000);
  expect(verdictBasis(defaultPolicy, later)).toEqual(verdictBasis(defaultPolicy, now));
  expect(verdictBasis(samplePolicy, later)).not.toEqual(verdictBasis(samplePolicy, now));
});
