// Judges entries by a site's policy: every rule gives its verdict and its reason, and deny wins.
import { type EntryFacts } from './facts.ts';
import { allVerdicts, type NamedCondition, type RuleVerdict } from './rules.ts';
import { type PolicyDocument } from './schema.ts';

export interface Judgement {
  readonly admitted: boolean;
  readonly rules: readonly RuleVerdict[];
}

/** A policy that was read and found to be right. */
export interface Policy {
  readonly document: PolicyDocument;
  readonly conditions: readonly NamedCondition[];
}

/** Admits everything that verifies, and is neither expired nor deprecated. */
export const defaultPolicy: Policy = {
  document: { version: 1, expired: 'deny', deprecated: 'deny' },
  conditions: [],
};

/** How long the verdicts of a policy that looks at the time are taken to hold, in milliseconds. */
const agingMs = 10 * 60 * 1000;

/** What verdicts depend on, apart from the entry and its expiry: they hold as long as every part of this is the same. */
export function verdictBasis(policy: Policy, now: Date): readonly unknown[] {
  const { document, conditions } = policy;
  // Where deprecated entries are let in, so are withdrawn ones until the moment that their endorser has named.
  const aging = document.maximumAgeDays !== undefined || conditions.length > 0 || document.deprecated === 'allow';
  return aging ? [policy, Math.floor(now.getTime() / agingMs)] : [policy];
}

/** The verdict of each rule on an entry that has verified. It is admitted where no rule denies. */
export function judge(policy: Policy, facts: EntryFacts, now: Date): Judgement {
  const rules = allVerdicts(policy.document, policy.conditions, facts, now);
  return { admitted: rules.every(({ verdict }) => verdict !== 'deny'), rules };
}
