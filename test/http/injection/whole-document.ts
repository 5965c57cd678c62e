// A document that says everything a document can say, and every place in it where a text can be put.
import { createHash } from 'node:crypto';
import { buildMetadata, type MetadataFields } from '../../../src/metadata/build.ts';
import { setProperties } from '../../../src/metadata/edit.ts';
import { encodeIdentifier } from '../../../src/metadata/identifier.ts';
import { withdrawalProperties } from '../../../src/metadata/withdrawal.ts';
import { escapeText, escapeValue } from '../../../src/xml/write-canonical.ts';

const digest = (algorithm: string, text: string): string => createHash(algorithm).update(text).digest('hex');
const endorsed = '2026-01-01T00:00:00Z';
const withdrawal = { from: endorsed, reason: 'The key was stolen' };

/** Every field there is: the compiler misses one that was added to the model and not here. */
function allFields(image: string): Required<MetadataFields> {
  const other = encodeIdentifier(digest('sha1', 'another image'));
  return {
    bytes: image.length,
    checksums: {
      'MD5': digest('md5', image),
      'SHA-1': digest('sha1', image),
      'SHA-256': digest('sha256', image),
      'SHA-512': digest('sha512', image),
    },
    endorsement: {
      created: endorsed,
      endorser: {
        email: 'jane@example.org',
        subject: 'CN=Jane Tester',
        issuers: ['CN=Jane Tester', 'CN=An Authority'],
      },
    },
    type: 'machine',
    kinds: ['machine', 'disk'],
    valid: '2099-01-01T00:00:00Z',
    title: 'A title',
    description: 'A description',
    creator: 'A creator',
    created: '2025-12-31T00:00:00Z',
    publisher: 'A publisher',
    format: 'raw',
    compression: 'gz',
    tag: 'a-tag',
    isReplacedBy: other,
    replaces: other,
    isVersionOf: other,
    locations: ['https://images.example.org/a.img.gz', 'pdisk:disks.example.org:3260:0b6c-77'],
    serialNumber: '7',
    version: '1.0',
    os: 'an-os',
    osVersion: '13',
    osArch: 'x86_64',
    deprecated: 'A hole in the SSH server',
    withdrawal,
    hypervisors: ['kvm', 'xen'],
    disksBuses: ['virtio'],
    inboundPorts: [22],
    outboundPorts: [0],
    icmp: [8],
    foreign: [
      { namespace: 'http://example.org/terms', name: 'note', text: 'A note', children: [] },
      {
        namespace: 'http://example.org/terms',
        name: 'nested',
        text: '',
        children: [{ namespace: 'urn:example:inner', name: '__proto__', text: 'An inner note', children: [] }],
      },
    ],
  };
}

/** What a document with all fields has in its model. */
export const modelFields = ['identifier', ...Object.keys(allFields(''))];

/** A document with all fields, unsigned; without those that end an endorsement unless it is said to be `ended`. */
export function wholeDocument(image: string, ended: boolean): string {
  const { deprecated, withdrawal: _, ...fields } = allFields(image);
  const text = buildMetadata(ended ? { ...fields, deprecated } : fields, endorsed);
  return ended ? setProperties(Buffer.from(text), withdrawalProperties(withdrawal)) : text;
}

export interface Place {
  readonly kind: 'text' | 'attribute';
  /** Of the element or attribute, with its prefix. */
  readonly name: string;
  /** How many places of this name stand before it. */
  readonly number: number;
  readonly start: number;
  readonly end: number;
}

/** Every text of an element without elements, and every value of an attribute. */
export function placesIn(xml: string): readonly Place[] {
  const found: Place[] = [];
  const add = (kind: Place['kind'], name: string, start: number, length: number): void => {
    const number = found.filter((place) => place.kind === kind && place.name === name).length;
    found.push({ kind, name, number, start, end: start + length });
  };
  for (const { 1: name = '', 2: open = '', 3: text = '', index } of xml.matchAll(
    /<([\w:-]+)([^<>]*)>([^<>]*)<\/\1>/gu,
  )) {
    add('text', name, index + 1 + name.length + open.length + 1, text.length);
  }
  for (const { 1: name = '', 2: value = '', index } of xml.matchAll(/\s([\w:]+)="([^"]*)"/gu)) {
    add('attribute', name, index + 1 + name.length + 2, value.length);
  }
  return found;
}

/** The document with a text at a place, escaped as XML wants it. */
export function withText(xml: string, { kind, start, end }: Place, text: string): string {
  const escaped = kind === 'text' ? escapeText(text) : escapeValue(text);
  return `${xml.slice(0, start)}${escaped}${xml.slice(end)}`;
}
