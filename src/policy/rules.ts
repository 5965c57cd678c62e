// The rules of a policy, each a small function from what is known of an entry to a verdict and its reason.
import { type Condition } from './conditions.ts';
import { type EntryFacts } from './facts.ts';
import { type PolicyDocument } from './schema.ts';

export interface RuleVerdict {
  /** Stable name, such as `endorsers.deny`, or `condition: NAME`. */
  readonly rule: string;
  readonly verdict: 'allow' | 'deny' | 'not-applicable';
  /** A plain sentence. */
  readonly reason: string;
}

export interface NamedCondition {
  readonly name: string;
  readonly when: 'require' | 'deny';
  readonly holds: Condition;
}

const msPerDay = 86_400_000;

function listed(
  rule: string,
  what: string,
  lists: { readonly allow?: readonly string[] | undefined; readonly deny?: readonly string[] | undefined } | undefined,
  matches: (entry: string) => boolean,
): readonly RuleVerdict[] {
  const verdicts: RuleVerdict[] = [];
  if (lists?.deny !== undefined) {
    const denied = lists.deny.some(matches);
    verdicts.push({
      rule: `${rule}.deny`,
      verdict: denied ? 'deny' : 'not-applicable',
      reason: denied ? `${what} is on the deny list.` : `${what} is not on the deny list.`,
    });
  }
  if (lists?.allow !== undefined) {
    const allowed = lists.allow.some(matches);
    verdicts.push({
      rule: `${rule}.allow`,
      verdict: allowed ? 'allow' : 'deny',
      reason: allowed
        ? `${what} is on the allow list.`
        : `${what} is not on the allow list, and only those are admitted.`,
    });
  }
  return verdicts;
}

function allowedWhen(rule: string, holds: boolean, yes: string, no: string): RuleVerdict {
  return holds ? { rule, verdict: 'allow', reason: yes } : { rule, verdict: 'deny', reason: no };
}

/** RFC 2253 names are compared without regard to case and to blanks around their separators. */
function plainName(name: string): string {
  return name
    .split(/(?<!\\),/u)
    .map((part) => part.trim().replace(/\s*=\s*/u, '='))
    .join(',')
    .toLowerCase();
}

function standing(document: PolicyDocument, { metadata }: EntryFacts, now: Date): readonly RuleVerdict[] {
  const { valid, deprecated, withdrawal } = metadata;
  // What its endorser has taken back no policy lets in: there is no endorsement any more.
  const withdrawn = withdrawal !== undefined && Date.parse(withdrawal.from) <= now.getTime();
  const expired = valid !== undefined && Date.parse(valid) <= now.getTime();
  return [
    ...(withdrawn
      ? [
          {
            rule: 'withdrawn',
            verdict: 'deny' as const,
            reason: `The endorser has taken the endorsement back from ${withdrawal.from} on: ${withdrawal.reason}.`,
          },
        ]
      : []),
    ...(document.expired === 'deny'
      ? [
          allowedWhen(
            'expired',
            !expired,
            valid === undefined ? 'The entry does not expire.' : `The entry is valid until ${valid}.`,
            `The entry expired on ${valid ?? ''}.`,
          ),
        ]
      : []),
    ...(document.deprecated === 'deny'
      ? [
          allowedWhen(
            'deprecated',
            deprecated === undefined,
            'The endorser stands by the entry.',
            `The endorser has deprecated the entry: ${(deprecated ?? '').replace(/\.$/u, '')}.`,
          ),
        ]
      : []),
  ];
}

function signature({ signature: rules }: PolicyDocument, { signer, weak }: EntryFacts): readonly RuleVerdict[] {
  const bits = /^RSA (\d+)$/u.exec(signer.key)?.[1];
  const verdicts: RuleVerdict[] = [];
  if (rules?.weak === 'deny') {
    verdicts.push(
      allowedWhen('signature.weak', !weak, `${signer.algorithm} is strong enough.`, `${signer.algorithm} is too weak.`),
    );
  }
  if (rules?.rsaBits !== undefined) {
    verdicts.push(
      bits === undefined
        ? { rule: 'signature.rsaBits', verdict: 'not-applicable', reason: `The key is not RSA but ${signer.key}.` }
        : allowedWhen(
            'signature.rsaBits',
            Number(bits) >= rules.rsaBits,
            `The key has ${bits} bits; at least ${rules.rsaBits} are asked for.`,
            `The key has only ${bits} bits; at least ${rules.rsaBits} are asked for.`,
          ),
    );
  }
  return verdicts;
}

function sameText(a: string, b: string | undefined): boolean {
  return a.toLowerCase() === b?.toLowerCase();
}

function operatingSystem({ operatingSystems }: PolicyDocument, { metadata }: EntryFacts): readonly RuleVerdict[] {
  if (operatingSystems === undefined) return [];
  const { os, osVersion, osArch } = metadata;
  const name = [os, osVersion, osArch].filter((part) => part !== undefined).join(' ');
  const fits = operatingSystems.some(
    (rule) =>
      sameText(rule.os, os) &&
      (rule.versions === undefined || rule.versions.some((version) => sameText(version, osVersion))) &&
      (rule.architectures === undefined || rule.architectures.some((architecture) => sameText(architecture, osArch))),
  );
  const what = name === '' ? 'An image without an operating system' : `The operating system ${name}`;
  return [
    allowedWhen('operatingSystems', fits, `${what} is admitted.`, `${what} is not among those that are admitted.`),
  ];
}

function fields({ required, maximumAgeDays }: PolicyDocument, facts: EntryFacts, now: Date): readonly RuleVerdict[] {
  const verdicts: RuleVerdict[] = [];
  if (required !== undefined) {
    const missing = required.filter((name) => facts.metadata[name] === undefined);
    verdicts.push(
      allowedWhen(
        'required',
        missing.length === 0,
        'Every required field is there.',
        `Required, but not there: ${missing.join(', ')}.`,
      ),
    );
  }
  if (maximumAgeDays !== undefined) {
    const { created } = facts.metadata.endorsement;
    const days = Math.floor((now.getTime() - Date.parse(created)) / msPerDay);
    verdicts.push(
      allowedWhen(
        'maximumAgeDays',
        days <= maximumAgeDays,
        `Endorsed ${Math.max(days, 0)} days ago; up to ${maximumAgeDays} are admitted.`,
        `Endorsed ${days} days ago; only up to ${maximumAgeDays} are admitted.`,
      ),
    );
  }
  return verdicts;
}

function conditionVerdict({ name, when, holds }: NamedCondition, facts: EntryFacts, now: Date): RuleVerdict {
  const rule = `condition: ${name}`;
  let result: boolean;
  try {
    result = holds(facts, now);
  } catch (error) {
    const why = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    return { rule, verdict: 'deny', reason: `The condition "${name}" cannot be evaluated: ${why}.` };
  }
  if (when === 'require') {
    return allowedWhen(rule, result, `The condition "${name}" holds.`, `The condition "${name}" does not hold.`);
  }
  return result
    ? { rule, verdict: 'deny', reason: `The condition "${name}" holds, and denies.` }
    : { rule, verdict: 'not-applicable', reason: `The condition "${name}" does not hold.` };
}

/** What each rule of the policy says of this entry. */
export function allVerdicts(
  document: PolicyDocument,
  conditions: readonly NamedCondition[],
  facts: EntryFacts,
  now: Date,
): readonly RuleVerdict[] {
  const { metadata, signer } = facts;
  const { email, issuers } = metadata.endorsement.endorser;
  const address = email.toLowerCase();
  const checksums = new Set(Object.values(metadata.checksums));
  const { format } = metadata;
  return [
    ...standing(document, facts, now),
    ...listed('endorsers', `The endorser ${email}`, document.endorsers, (entry) =>
      entry.startsWith('*') ? address.endsWith(entry.slice(1).toLowerCase()) : address === entry.toLowerCase(),
    ),
    ...listed('images', `The image ${metadata.identifier}`, document.images, (entry) => entry === metadata.identifier),
    ...listed('checksums', "One of the image's checksums", document.checksums, (entry) => checksums.has(entry)),
    ...listed('authorities', `The authority ${signer.issuer}`, document.authorities, (entry) =>
      [signer.issuer, ...issuers].some((issuer) => plainName(entry) === plainName(issuer)),
    ),
    ...listed(
      'formats',
      `The format ${format ?? 'raw (not stated)'}`,
      document.formats,
      (entry) => entry === (format ?? 'raw'),
    ),
    ...signature(document, facts),
    ...operatingSystem(document, facts),
    ...fields(document, facts, now),
    ...conditions.map((condition) => conditionVerdict(condition, facts, now)),
  ];
}
