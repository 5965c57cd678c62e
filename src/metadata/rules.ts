// Every rule that a document's content must meet, by its stable code. docs/metadata-rules.md is this table for people.

/** `group` is the step under which a report shows the rule. */
export interface Rule {
  readonly group: 'schema' | 'rdf' | 'consistency';
  readonly title: string;
}

export const rules = {
  'root-element': { group: 'schema', title: 'The root is rdf:RDF' },
  'xml-base': { group: 'schema', title: 'xml:base of the root is http://mp.stratuslab.eu/' },
  'missing-element': { group: 'schema', title: 'Every required element is there' },
  'repeated-element': { group: 'schema', title: 'No element stands more often than it may' },
  'misplaced-element': { group: 'schema', title: 'The required elements stand first and in their order' },
  'unknown-element': { group: 'schema', title: 'Elements of the known namespaces are in the vocabulary' },
  'unexpected-attribute': { group: 'schema', title: 'The root and the description carry no other attributes' },
  'stray-text': { group: 'schema', title: 'There is no text between elements' },
  'about-format': { group: 'schema', title: 'rdf:about is # and an identifier' },
  'identifier-format': { group: 'schema', title: 'Identifiers have 27 digits, the first A to P' },
  'bytes-format': { group: 'schema', title: 'slreq:bytes is a whole number below 2^53' },
  'checksum-format': { group: 'schema', title: 'Checksums are hexadecimal' },
  'email-format': { group: 'schema', title: "The endorser's e-mail is an address, and safe in paths and links" },
  'empty-value': { group: 'schema', title: 'Required values are not empty' },
  'number-range': { group: 'schema', title: 'Numbers are whole and in their range' },
  'value-not-allowed': { group: 'schema', title: 'Values of a closed list are in the list' },
  'location-scheme': { group: 'schema', title: 'Locations are http, https, ftp or pdisk' },
  'schema': { group: 'schema', title: 'The document is valid by the XSD files under schemas/' },
  'rdf-parse-type': { group: 'rdf', title: 'Nested elements carry rdf:parseType="Resource", and only they' },
  'rdf-attribute': { group: 'rdf', title: 'No property attribute or rdf:resource stands where a literal is expected' },
  'rdf-mixed-content': { group: 'rdf', title: 'A value is text or elements, not both' },
  'comment-in-value': { group: 'rdf', title: 'No comment splits a value' },
  'about-mismatch': { group: 'consistency', title: 'rdf:about names the identifier' },
  'identifier-mismatch': { group: 'consistency', title: 'The identifier is the encoding of the SHA-1' },
  'checksum-algorithm': { group: 'consistency', title: 'Checksums are MD5, SHA-1, SHA-256 or SHA-512' },
  'checksum-length': { group: 'consistency', title: 'A checksum has as many digits as its algorithm gives' },
  'checksum-repeated': { group: 'consistency', title: 'Each algorithm stands once' },
  'sha1-missing': { group: 'consistency', title: 'There is exactly one SHA-1' },
  'date-format': { group: 'consistency', title: 'Dates are real, as YYYY-MM-DDThh:mm:ssZ' },
  'withdrawal-format': { group: 'consistency', title: 'A withdrawal says from when and why, once' },
  'created-in-future': { group: 'consistency', title: 'The endorsement was not made in the future' },
} as const satisfies Record<string, Rule>;

export type RuleCode = keyof typeof rules;

export function ruleOf(code: string): Rule | undefined {
  return Object.hasOwn(rules, code) ? rules[code as RuleCode] : undefined;
}
