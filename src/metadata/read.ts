// From the tree of a document to its model: all rules at once, and a model only where every one of them holds.
import { readWithdrawal } from './withdrawal.ts';
import { isInterpreted, namespaces } from '../xml/namespaces.ts';
import { attributeOf, textOf, type XmlElement } from '../xml/tree.ts';
import { checkValues, childNamed, descriptionOf, type ReadClock } from './consistency.ts';
import { type Finding } from './finding.ts';
import {
  type Checksums,
  type Compression,
  type ForeignProperty,
  type ImageFormat,
  type ImageMetadata,
} from './model.ts';
import { checkRdf, checkStructure } from './structure.ts';

export type ReadMetadata =
  | { readonly metadata: ImageMetadata; readonly findings: readonly [] }
  | { readonly metadata: undefined; readonly findings: readonly Finding[] };

/**
 * Checks the rules of design/metadata.md §2, 2 to 4, on a document's root, and reads the model. Signatures are not
 * looked at. An element that several rules find wrong is reported by each of them.
 */
export function readMetadata(root: XmlElement, clock: ReadClock): ReadMetadata {
  const findings = [...checkStructure(root), ...checkRdf(root), ...checkValues(root, clock)];
  if (findings.length > 0)
    return { metadata: undefined, findings: findings.sort((a, b) => a.at.ordinal - b.at.ordinal) };
  return { metadata: modelOf(root), findings: [] };
}

function foreignOf(element: XmlElement): ForeignProperty {
  const children = element.elements.map(foreignOf);
  const resource = attributeOf(element, namespaces.rdf, 'resource');
  return {
    namespace: element.namespace,
    name: element.name,
    text: children.length > 0 ? '' : (resource ?? textOf(element).trim()),
    children,
  };
}

/** The texts of elements by their terms, in their order; empty ones are left out. */
function textsByTerm(elements: readonly XmlElement[]): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const element of elements) {
    const text = textOf(element).trim();
    if (text === '') continue;
    const others = found.get(element.term);
    if (others) others.push(text);
    else found.set(element.term, [text]);
  }
  return found;
}

/** The values of a document of which {@link readMetadata} found nothing wrong; elsewhere what is missing reads as ''. */
function modelOf(root: XmlElement): ImageMetadata {
  const description = descriptionOf(root);
  const children = description ? description.elements : [];
  const texts = textsByTerm(children);
  const all = (name: string): readonly string[] => texts.get(name) ?? [];
  const one = (name: string): string | undefined => texts.get(name)?.[0];
  const numbers = (name: string): number[] => all(name).map(Number);
  const optional = (key: keyof ImageMetadata, name: string): Partial<ImageMetadata> => {
    const text = one(name);
    return text === undefined ? {} : { [key]: text };
  };

  const checksums: Record<string, string> = {};
  for (const item of children.filter((child) => child.term === 'slreq:checksum')) {
    const algorithm = childNamed(item, 'slreq:algorithm');
    const value = childNamed(item, 'slreq:value');
    if (algorithm && value) checksums[textOf(algorithm)] = textOf(value).toLowerCase();
  }
  const endorsement = description && childNamed(description, 'slreq:endorsement');
  const endorser = childNamed(endorsement, 'slreq:endorser');
  const inEndorser = (name: string): string[] =>
    (endorser ? endorser.elements : []).filter((child) => child.term === name).map((child) => textOf(child).trim());
  const created = childNamed(endorsement, 'dcterms:created');
  const withdrawal = description && readWithdrawal(description);
  const format = one('dcterms:format');
  const compression = one('dcterms:compression');
  return {
    identifier: one('dcterms:identifier') ?? '',
    bytes: Number(one('slreq:bytes')),
    checksums: checksums as unknown as Checksums,
    endorsement: {
      created: created ? textOf(created) : '',
      endorser: {
        email: inEndorser('slreq:email')[0] ?? '',
        subject: inEndorser('slreq:subject')[0] ?? '',
        issuers: inEndorser('slreq:issuer'),
      },
    },
    type: one('dcterms:type') ?? '',
    kinds: all('slterms:kind'),
    ...(format === undefined ? {} : { format: format as ImageFormat }),
    ...(compression === undefined ? {} : { compression: compression as Compression }),
    ...optional('valid', 'dcterms:valid'),
    ...optional('title', 'dcterms:title'),
    ...optional('description', 'dcterms:description'),
    ...optional('creator', 'dcterms:creator'),
    ...optional('created', 'dcterms:created'),
    ...optional('publisher', 'dcterms:publisher'),
    ...optional('tag', 'dcterms:alternative'),
    ...optional('isReplacedBy', 'dcterms:isReplacedBy'),
    ...optional('replaces', 'dcterms:replaces'),
    ...optional('isVersionOf', 'dcterms:isVersionOf'),
    locations: all('slterms:location'),
    ...optional('serialNumber', 'slterms:serial-number'),
    ...optional('version', 'slterms:version'),
    ...optional('os', 'slterms:os'),
    ...optional('osVersion', 'slterms:os-version'),
    ...optional('osArch', 'slterms:os-arch'),
    ...optional('deprecated', 'slterms:deprecated'),
    ...(withdrawal === undefined ? {} : { withdrawal }),
    hypervisors: all('slterms:hypervisor'),
    disksBuses: all('slterms:disks-bus'),
    inboundPorts: numbers('slterms:inbound-port'),
    outboundPorts: numbers('slterms:outbound-port'),
    icmp: numbers('slterms:icmp'),
    foreign: children.filter((child) => !isInterpreted(child.namespace)).map(foreignOf),
  };
}
