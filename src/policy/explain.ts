// A policy in plain sentences: what a site admits, for those who look before they upload or make a disk.
import { type PolicyDocument } from './schema.ts';

export interface ExplainedRule {
  /** Name of the member in the policy, as the verdicts call it. */
  readonly rule: string;
  readonly sentence: string;
  /** What the sentence is about, one by one. */
  readonly values?: readonly string[];
}

const lists = [
  ['endorsers', 'endorsers'],
  ['images', 'images'],
  ['checksums', 'checksums'],
  ['authorities', 'certificate authorities'],
  ['formats', 'disk formats'],
] as const;

function listRules(document: PolicyDocument): readonly ExplainedRule[] {
  return lists.flatMap(([name, what]) => {
    const { allow, deny } = document[name] ?? {};
    return [
      ...(deny === undefined || deny.length === 0
        ? []
        : [{ rule: `${name}.deny`, sentence: `These ${what} are not admitted, whatever else is said:`, values: deny }]),
      ...(allow === undefined
        ? []
        : [{ rule: `${name}.allow`, sentence: `Only these ${what} are admitted:`, values: allow }]),
    ];
  });
}

function system({ os, versions, architectures }: NonNullable<PolicyDocument['operatingSystems']>[number]): string {
  const which = versions === undefined ? 'any version' : versions.join(', ');
  return `${os}: ${which}${architectures === undefined ? '' : `; ${architectures.join(', ')}`}`;
}

/** Every rule of the policy, in the order in which verdicts are given. */
export function explainPolicy(document: PolicyDocument): readonly ExplainedRule[] {
  const { signature, required, maximumAgeDays, operatingSystems, expired, deprecated, conditions = [] } = document;
  const rules: ExplainedRule[] = [];
  const add = (rule: string, sentence: string, values?: readonly string[]): void => {
    rules.push({ rule, sentence, ...(values === undefined ? {} : { values }) });
  };
  add('withdrawn', 'Entries that their endorser has taken back are not admitted.');
  if (expired === 'deny') add('expired', 'Entries are not admitted after the day that their endorser has set.');
  if (deprecated === 'deny') add('deprecated', 'Entries that their endorser has deprecated are not admitted.');
  rules.push(...listRules(document));
  if (signature?.weak === 'deny') add('signature.weak', 'Signatures by the weak algorithms of old are not admitted.');
  if (signature?.rsaBits !== undefined) add('signature.rsaBits', `RSA keys have ${signature.rsaBits} bits at least.`);
  if (operatingSystems !== undefined) {
    add('operatingSystems', 'Only these operating systems are admitted:', operatingSystems.map(system));
  }
  if (required !== undefined) add('required', 'The metadata must state:', required);
  if (maximumAgeDays !== undefined) {
    add('maximumAgeDays', `Endorsements are not older than ${maximumAgeDays} days.`);
  }
  for (const { name, require, deny } of conditions) {
    const sentence = require === undefined ? `“${name}” must not be true:` : `“${name}” must be true:`;
    add(`condition: ${name}`, sentence, [require ?? deny ?? '']);
  }
  return rules;
}
