// The stable codes of everything that can be wrong with a document before its content is looked at. docs/metadata-rules.md
// is this table for people.

export const xmlCodes = {
  'too-large': 'The document has at most 1 MiB',
  'not-utf8': 'The document is UTF-8',
  'bad-declaration': 'The XML declaration says version 1.0 and, if any, encoding UTF-8',
  'doctype': 'There is no DOCTYPE, so no entity',
  'processing-instruction': 'There is no processing instruction',
  'too-deep': 'Elements are nested at most 64 deep',
  'too-many-elements': 'There are at most 5,000 elements',
  'too-many-attributes': 'An element has at most 64 attributes',
  'too-many-namespaces': 'There are at most 128 namespace declarations',
  'not-well-formed': 'The document is well-formed XML with namespaces',
} as const;

export type XmlCode = keyof typeof xmlCodes;
