// Writes an unsigned document from its fields, in the order of design/metadata.md §1.
import { escapeText, escapeValue } from '../xml/write-canonical.ts';
import { encodeIdentifier } from './identifier.ts';
import { type Endorsement, type ForeignProperty, type ImageMetadata } from './model.ts';
import { checksumAlgorithms } from './model.ts';
import { namespaces } from '../xml/namespaces.ts';
import { documentBase } from './vocabulary.ts';

/** What a document says of an image. The identifier is computed; the endorsement is filled when it is signed. */
export type MetadataFields = Omit<ImageMetadata, 'identifier' | 'endorsement' | ListField> & {
  readonly [Field in ListField]?: ImageMetadata[Field];
} & { readonly endorsement?: Endorsement };

type ListField =
  'kinds' | 'locations' | 'hypervisors' | 'disksBuses' | 'inboundPorts' | 'outboundPorts' | 'icmp' | 'foreign';

/** Stands where the endorsement will be, so that the document can be checked before it is signed. */
export function unsignedEndorsement(created: string): Endorsement {
  return {
    created,
    endorser: { email: 'unsigned@invalid', subject: 'CN=not signed yet', issuers: ['CN=not signed yet'] },
  };
}

const line = (depth: number, text: string): string => `${'  '.repeat(depth)}${text}`;

function element(depth: number, name: string, text: string | number | undefined): string[] {
  if (text === undefined || text === '') return [];
  return [line(depth, `<${name}>${escapeText(String(text))}</${name}>`)];
}

function resource(depth: number, name: string, inside: readonly string[]): string[] {
  return [line(depth, `<${name} rdf:parseType="Resource">`), ...inside, line(depth, `</${name}>`)];
}

function foreign(depth: number, property: ForeignProperty): string[] {
  const name = `x:${property.name}`;
  const open = `<${name} xmlns:x="${escapeValue(property.namespace)}"`;
  if (property.children.length === 0) {
    return [line(depth, `${open}>${escapeText(property.text)}</${name}>`)];
  }
  return [
    line(depth, `${open} rdf:parseType="Resource">`),
    ...property.children.flatMap((child) => foreign(depth + 1, child)),
    line(depth, `</${name}>`),
  ];
}

/** The endorsement element, as signing writes it. */
export function endorsementLines(endorsement: Endorsement): string[] {
  const { endorser } = endorsement;
  return resource(2, 'slreq:endorsement', [
    ...element(3, 'dcterms:created', endorsement.created),
    ...resource(3, 'slreq:endorser', [
      ...element(4, 'slreq:email', endorser.email),
      ...element(4, 'slreq:subject', endorser.subject),
      ...endorser.issuers.flatMap((issuer) => element(4, 'slreq:issuer', issuer)),
    ]),
  ]);
}

/** The document, unsigned, as UTF-8 text with a line for each element. Values are escaped, not checked. */
export function buildMetadata(fields: MetadataFields, created: string): string {
  const identifier = encodeIdentifier(fields.checksums['SHA-1']);
  const many = (name: string, values: readonly (string | number)[] | undefined): string[] =>
    (values ?? []).flatMap((value) => element(2, name, value));
  const body = [
    ...element(2, 'dcterms:identifier', identifier),
    ...element(2, 'slreq:bytes', fields.bytes),
    ...checksumAlgorithms.flatMap((algorithm) => {
      const value = fields.checksums[algorithm];
      if (value === undefined) return [];
      return resource(2, 'slreq:checksum', [
        ...element(3, 'slreq:algorithm', algorithm),
        ...element(3, 'slreq:value', value),
      ]);
    }),
    ...endorsementLines(fields.endorsement ?? unsignedEndorsement(created)),
    ...element(2, 'dcterms:type', fields.type),
    ...many('slterms:kind', fields.kinds),
    ...element(2, 'dcterms:valid', fields.valid),
    ...element(2, 'dcterms:title', fields.title),
    ...element(2, 'dcterms:description', fields.description),
    ...element(2, 'dcterms:creator', fields.creator),
    ...element(2, 'dcterms:created', fields.created),
    ...element(2, 'dcterms:publisher', fields.publisher),
    ...element(2, 'dcterms:format', fields.format),
    ...element(2, 'dcterms:compression', fields.compression),
    ...element(2, 'dcterms:alternative', fields.tag),
    ...element(2, 'dcterms:isReplacedBy', fields.isReplacedBy),
    ...element(2, 'dcterms:replaces', fields.replaces),
    ...element(2, 'dcterms:isVersionOf', fields.isVersionOf),
    ...many('slterms:location', fields.locations),
    ...element(2, 'slterms:serial-number', fields.serialNumber),
    ...element(2, 'slterms:version', fields.version),
    ...element(2, 'slterms:os', fields.os),
    ...element(2, 'slterms:os-version', fields.osVersion),
    ...element(2, 'slterms:os-arch', fields.osArch),
    ...element(2, 'slterms:deprecated', fields.deprecated),
    ...many('slterms:hypervisor', fields.hypervisors),
    ...many('slterms:disks-bus', fields.disksBuses),
    ...many('slterms:inbound-port', fields.inboundPorts),
    ...many('slterms:outbound-port', fields.outboundPorts),
    ...many('slterms:icmp', fields.icmp),
    ...(fields.foreign ?? []).flatMap((property) => foreign(2, property)),
  ];
  const declarations = (['rdf', 'dcterms', 'slreq', 'slterms'] as const)
    .map((prefix) => ` xmlns:${prefix}="${namespaces[prefix]}"`)
    .join('');
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<rdf:RDF${declarations} xml:base="${documentBase}">`,
    line(1, `<rdf:Description rdf:about="#${identifier}">`),
    ...body,
    line(1, '</rdf:Description>'),
    '</rdf:RDF>',
    '',
  ].join('\n');
}
