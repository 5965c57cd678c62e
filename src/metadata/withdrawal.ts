// Deprecation and withdrawal: what an endorser says, in a newer signed entry, about an endorsement made earlier.
import { namespaces } from '../xml/namespaces.ts';
import { textOf, type XmlElement } from '../xml/tree.ts';
import { escapeText } from '../xml/write-canonical.ts';
import { type PropertyChange } from './edit.ts';
import { type Finding } from './finding.ts';
import { type Withdrawal } from './model.ts';
import { isTimestamp } from './values.ts';

/** The namespace of what StratusLab's vocabulary has no word for. Its software keeps and shows such elements. */
export const mintmarkNamespace = 'urn:mintmark:terms';

function property(prefix: 'dcterms' | 'slterms', name: string, text: string): PropertyChange {
  const term = `${prefix}:${name}`;
  return { term, xml: `<${term} xmlns:${prefix}="${namespaces[prefix]}">${escapeText(text)}</${term}>` };
}

/** `slterms:deprecated` with the reason, and the image to use instead. */
export function deprecation(reason: string, replacedBy: string | undefined): PropertyChange[] {
  return [
    property('slterms', 'deprecated', reason),
    ...(replacedBy === undefined ? [] : [property('dcterms', 'isReplacedBy', replacedBy)]),
  ];
}

const inside = (name: string, text: string): string => `<mintmark:${name}>${escapeText(text)}</mintmark:${name}>`;

/** The withdrawal itself, and `slterms:deprecated` for software that does not know of withdrawals. */
export function withdrawalProperties(withdrawal: Withdrawal): PropertyChange[] {
  return [
    property('slterms', 'deprecated', withdrawal.reason),
    {
      term: 'withdrawal',
      xml:
        `<mintmark:withdrawal xmlns:mintmark="${mintmarkNamespace}" xmlns:rdf="${namespaces.rdf}" rdf:parseType="Resource">` +
        `${inside('from', withdrawal.from)}${inside('reason', withdrawal.reason)}</mintmark:withdrawal>`,
    },
  ];
}

const isOurs = (element: XmlElement, name: string): boolean =>
  element.namespace === mintmarkNamespace && element.name === name;

/** The withdrawal in a description, where there is one in its right form. */
export function readWithdrawal(description: XmlElement): Withdrawal | undefined {
  const element = description.elements.find((child) => isOurs(child, 'withdrawal'));
  const valueOf = (name: string): string => {
    const found = element?.elements.find((child) => isOurs(child, name));
    return found ? textOf(found).trim() : '';
  };
  const withdrawal = { from: valueOf('from'), reason: valueOf('reason') };
  return isTimestamp(withdrawal.from) && withdrawal.reason !== '' ? withdrawal : undefined;
}

/** A withdrawal must say from when and why, once: one that is not understood must not read as none. */
export function checkWithdrawal(description: XmlElement): Finding[] {
  const [first, ...more] = description.elements.filter((child) => child.namespace === mintmarkNamespace);
  if (!first) return [];
  const good = isOurs(first, 'withdrawal') && first.elements.length === 2 && readWithdrawal(description) !== undefined;
  const wrong = [...(good ? [] : [first]), ...more];
  return wrong.map((element) => ({
    code: 'withdrawal-format',
    at: element,
    message: 'A withdrawal says from when (YYYY-MM-DDThh:mm:ssZ) and why, once; make it with mintmark metadata revoke.',
  }));
}
