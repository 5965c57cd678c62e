// The terms of the document: where each may stand, how often, and what its text must be (design/metadata.md §1).
import { checksumAlgorithms, compressions, imageFormats, type ChecksumAlgorithm } from './model.ts';

/** The value that xml:base of every document has. */
export const documentBase = 'http://mp.stratuslab.eu/';

/** Hexadecimal digits of each checksum. */
export const checksumDigits: Readonly<Record<ChecksumAlgorithm, number>> = {
  'MD5': 32,
  'SHA-1': 40,
  'SHA-256': 64,
  'SHA-512': 128,
};

export type ValueKind =
  | { readonly kind: 'text' }
  | { readonly kind: 'date' }
  | { readonly kind: 'identifier' }
  | { readonly kind: 'location' }
  | { readonly kind: 'number'; readonly most: number }
  | { readonly kind: 'one-of'; readonly values: readonly string[] };

export interface Term {
  readonly least: 0 | 1;
  /** Infinity where it may repeat. */
  readonly most: number;
  readonly value: ValueKind;
}

const text: ValueKind = { kind: 'text' };
const date: ValueKind = { kind: 'date' };
const identifier: ValueKind = { kind: 'identifier' };
const port: ValueKind = { kind: 'number', most: 65_535 };
const once = (value: ValueKind): Term => ({ least: 0, most: 1, value });
const often = (value: ValueKind): Term => ({ least: 0, most: Infinity, value });

/** The terms that follow the endorsement, in any order. */
export const terms: ReadonlyMap<string, Term> = new Map<string, Term>([
  ['dcterms:type', { least: 1, most: 1, value: { kind: 'one-of', values: ['machine', 'disk', 'base', 'grid'] } }],
  ['dcterms:valid', once(date)],
  ['dcterms:title', once(text)],
  ['dcterms:description', once(text)],
  ['dcterms:creator', once(text)],
  ['dcterms:created', once(date)],
  ['dcterms:publisher', once(text)],
  ['dcterms:format', once({ kind: 'one-of', values: imageFormats })],
  ['dcterms:compression', once({ kind: 'one-of', values: compressions })],
  ['dcterms:alternative', once(text)],
  ['dcterms:isReplacedBy', once(identifier)],
  ['dcterms:replaces', once(identifier)],
  ['dcterms:isVersionOf', once(identifier)],
  ['slterms:location', often({ kind: 'location' })],
  ['slterms:serial-number', once({ kind: 'number', most: Number.MAX_SAFE_INTEGER })],
  ['slterms:version', once(text)],
  ['slterms:os', once(text)],
  ['slterms:os-version', once(text)],
  ['slterms:os-arch', once(text)],
  ['slterms:deprecated', once(text)],
  ['slterms:kind', often({ kind: 'one-of', values: ['machine', 'disk'] })],
  ['slterms:hypervisor', often(text)],
  ['slterms:disks-bus', often(text)],
  ['slterms:inbound-port', often(port)],
  ['slterms:outbound-port', often(port)],
  ['slterms:icmp', often({ kind: 'number', most: 255 })],
]);

type Sequence = readonly (readonly [name: string, least: number, most: number])[];

/** The required part, in the order in which it must stand: name, least, most. */
export const opening: Sequence = [
  ['rdf:type', 0, 1],
  ['dcterms:identifier', 1, 1],
  ['slreq:bytes', 1, 1],
  ['slreq:checksum', 1, Infinity],
  ['slreq:endorsement', 1, 1],
];

/** What stands inside the nested elements of the required part, in order. A map: foreign elements choose their names. */
export const nested: ReadonlyMap<string, Sequence> = new Map<string, Sequence>([
  [
    'slreq:checksum',
    [
      ['slreq:algorithm', 1, 1],
      ['slreq:value', 1, 1],
    ],
  ],
  [
    'slreq:endorsement',
    [
      ['dcterms:created', 1, 1],
      ['slreq:endorser', 1, 1],
    ],
  ],
  [
    'slreq:endorser',
    [
      ['slreq:email', 1, 1],
      ['slreq:subject', 1, 1],
      ['slreq:issuer', 1, Infinity],
    ],
  ],
]);

export const isChecksumAlgorithm = (value: string): value is ChecksumAlgorithm =>
  (checksumAlgorithms as readonly string[]).includes(value);
