// Judging: each rule, deny before allow, and reasons that a person understands.
import { describe, expect, test } from 'vitest';
import { type EntryFacts } from '../../src/policy/facts.ts';
import { defaultPolicy, judge } from '../../src/policy/policy.ts';
import { readPolicy } from '../../src/policy/read.ts';
import { plainMetadata, type PlainEntry } from '../registry/plain-documents.ts';

const now = new Date('2026-06-01T00:00:00Z');

function facts(entry: PlainEntry = {}, more: Partial<EntryFacts> = {}): EntryFacts {
  const metadata = plainMetadata({ os: 'CentOS', osVersion: '5.5', osArch: 'x86_64', format: 'qcow2', ...entry });
  return {
    metadata,
    weak: false,
    signer: {
      subject: 'CN=jane,O=Example',
      issuer: 'CN=CA, O=Example',
      fingerprint: 'ab'.repeat(32),
      algorithm: 'RSA-SHA256',
      key: 'RSA 2048',
    },
    ...more,
  };
}

const image = plainMetadata({});

/** The rules that deny. */
function denied(policy: object, entry: EntryFacts = facts()): readonly string[] {
  const { rules, admitted } = judge(readPolicy(JSON.stringify({ version: 1, ...policy })), entry, now);
  const names = rules.filter(({ verdict }) => verdict === 'deny').map(({ rule }) => rule);
  expect(admitted).toBe(names.length === 0);
  return names;
}

test('without rules everything is admitted that is neither expired nor deprecated', () => {
  expect(judge(defaultPolicy, facts(), now).admitted).toBe(true);
  expect(judge(defaultPolicy, facts({ valid: '2026-05-31T23:59:59Z' }), now).admitted).toBe(false);
  expect(judge(defaultPolicy, facts({ valid: '2026-06-02T00:00:00Z' }), now).admitted).toBe(true);
  expect(judge(defaultPolicy, facts({ deprecated: 'hole' }), now).rules.map(({ reason }) => reason)).toEqual([
    'The entry does not expire.',
    'The endorser has deprecated the entry: hole.',
  ]);
});

const withdrawn = (from: string): EntryFacts => facts({ withdrawal: { from, reason: 'a hole' } });

test('no policy admits what its endorser has taken back, from the time that the withdrawal says', () => {
  const lax = { expired: 'allow', deprecated: 'allow', endorsers: { allow: ['jane@example.org'] } };
  expect(denied(lax, withdrawn('2026-05-31T23:59:59Z'))).toEqual(['withdrawn']);
  expect(denied(lax, withdrawn('2026-06-01T00:00:00Z'))).toEqual(['withdrawn']);
  expect(denied(lax, withdrawn('2026-06-01T00:00:01Z'))).toEqual([]);
});

describe('a rule denies', () => {
  test.each([
    [{ endorsers: { allow: ['jane@example.org'] } }, []],
    [{ endorsers: { allow: ['JANE@example.org'] } }, []],
    [{ endorsers: { allow: ['joe@example.org'] } }, ['endorsers.allow']],
    [{ endorsers: { allow: ['*@example.org'] } }, []],
    [{ endorsers: { deny: ['*@ample.org'] } }, []],
    [{ endorsers: { allow: ['*@example.org'], deny: ['jane@example.org'] } }, ['endorsers.deny']],
    [{ images: { deny: [image.identifier] } }, ['images.deny']],
    [{ checksums: { deny: [image.checksums['SHA-256']?.toUpperCase()] } }, ['checksums.deny']],
    [{ checksums: { allow: [image.checksums['SHA-1']] } }, []],
    [{ authorities: { allow: ['cn=ca,o=example'] } }, []],
    [{ authorities: { deny: ['CN=CA,O=Example'] } }, ['authorities.deny']],
    [{ authorities: { allow: ['CN=Other'] } }, ['authorities.allow']],
    [{ formats: { allow: ['raw', 'iso'] } }, ['formats.allow']],
    [{ signature: { rsaBits: 3072 } }, ['signature.rsaBits']],
    [{ signature: { rsaBits: 2048, weak: 'deny' } }, []],
    [{ required: ['title', 'os'] }, ['required']],
    [{ maximumAgeDays: 30 }, ['maximumAgeDays']],
    [{ maximumAgeDays: 300 }, []],
    [{ operatingSystems: [{ os: 'centos', versions: ['5.5', '6.0'] }] }, []],
    [{ operatingSystems: [{ os: 'centos', versions: ['6.0'] }, { os: 'ubuntu' }] }, ['operatingSystems']],
    [{ operatingSystems: [{ os: 'centos', architectures: ['i386'] }] }, ['operatingSystems']],
    [{ conditions: [{ name: 'c', require: 'image.os == "CentOS" && image.os_version.startsWith("5")' }] }, []],
    [{ conditions: [{ name: 'c', require: 'image.bytes > 1000000' }] }, ['condition: c']],
    [{ conditions: [{ name: 'c', deny: 'endorser.email.endsWith("example.org")' }] }, ['condition: c']],
    [{ conditions: [{ name: 'c', deny: '"xen" in image.hypervisors || signature.weak' }] }, []],
    [{ conditions: [{ name: 'c', require: 'timestamp(image.created) > now - duration("24h")' }] }, ['condition: c']],
    [{ conditions: [{ name: 'c', require: 'timestamp(image.title) > now' }] }, ['condition: c']],
  ])('%j', (policy, expected) => {
    expect(denied(policy)).toEqual(expected);
  });

  test('a weak signature, where only strong ones are admitted', () => {
    expect(denied({ signature: { weak: 'deny' } }, facts({}, { weak: true }))).toEqual(['signature.weak']);
  });
});

test('every rule that is set has a verdict and a sentence', () => {
  const policy = readPolicy(
    JSON.stringify({
      version: 1,
      endorsers: { allow: ['jane@example.org'], deny: [] },
      formats: { allow: ['raw'] },
      conditions: [{ name: 'small', require: 'image.bytes < 10' }],
    }),
  );
  expect(judge(policy, facts(), now).rules).toEqual([
    { rule: 'expired', verdict: 'allow', reason: 'The entry does not expire.' },
    { rule: 'deprecated', verdict: 'allow', reason: 'The endorser stands by the entry.' },
    {
      rule: 'endorsers.deny',
      verdict: 'not-applicable',
      reason: 'The endorser jane@example.org is not on the deny list.',
    },
    { rule: 'endorsers.allow', verdict: 'allow', reason: 'The endorser jane@example.org is on the allow list.' },
    {
      rule: 'formats.allow',
      verdict: 'deny',
      reason: 'The format qcow2 is not on the allow list, and only those are admitted.',
    },
    { rule: 'condition: small', verdict: 'allow', reason: 'The condition "small" holds.' },
  ]);
});
