// The stable codes of everything that can be wrong with a signature. docs/metadata-rules.md is this table for people.

export const signatureCodes = {
  'signature-missing': 'There is a signature',
  'signature-repeated': 'There is only one signature',
  'signature-misplaced': 'The signature is the last child of the root, and nothing of it stands elsewhere',
  'signature-content': 'The signature holds SignedInfo, SignatureValue and KeyInfo, and nothing else',
  'signature-text': 'No comment or stray text stands in the signature',
  'signature-attribute': 'The elements of the signature carry the expected attributes only',
  'signed-info': 'SignedInfo holds its two methods and one reference',
  'reference-count': 'There is exactly one reference',
  'reference-uri': 'The reference covers the whole document',
  'reference': 'The reference holds its transforms, its digest method and its digest',
  'transforms': 'The transforms are the enveloped one and at most one canonicalization',
  'canonicalization-algorithm': 'The canonicalization is an accepted one',
  'signature-algorithm': 'The signature algorithm is an accepted one',
  'digest-algorithm': 'The digest algorithm is an accepted one',
  'legacy-algorithm': 'RSA-SHA1 is accepted only where legacy documents are allowed',
  'digest-value': 'The digest is base64 of the right length',
  'signature-value': 'The signature value is base64 of the right length',
  'key-info': 'KeyInfo holds certificates and nothing else',
  'certificate-format': 'Each certificate can be read',
  'key-mismatch': "The key's type fits the algorithm",
  'weak-key': 'The key is RSA of 2048 bits or more, P-256 or P-384',
  'canonical-mismatch': 'Two canonicalizers agree on every byte of the document',
  'digest-mismatch': 'The document is as it was signed',
  'signature-mismatch': "The signature was made with the certificate's key",
} as const;

export type SignatureCode = keyof typeof signatureCodes;
