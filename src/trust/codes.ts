// The stable codes of everything that can be wrong with who signed. docs/metadata-rules.md is this table for people.

export const trustCodes = {
  'endorser-email': "The endorser's e-mail is the certificate's",
  'endorser-subject': "The endorser's subject is the certificate's",
  'endorser-issuer': "The endorser's issuer is the certificate's",
  'certificate-expired': 'The certificate was not expired when the endorsement was made',
  'certificate-not-yet-valid': 'The certificate was valid already when the endorsement was made',
  'certificate-usage': 'The certificate may be used for signatures',
  'certificate-stray': 'Every certificate in the signature belongs to the chain',
  'certificate-unknown': 'The certificate is pinned, or leads to an authority of this site',
  'certificate-self-signed': 'A certificate without an authority is signed by itself',
  'chain-time': 'Every certificate of the chain was valid when the endorsement was made',
  'chain-authority': 'Every issuer in the chain is an authority that may sign certificates',
  'chain-length': 'The chain is no longer than its authorities allow',
  'chain-extension': 'No certificate of the chain has a critical extension that is not understood',
  'chain-signature': 'Certificates are signed with SHA-256 or better',
  'certificate-revoked': 'The certificate was not revoked',
  'revocation-stale': 'The revocation list is current',
  'revocation-unknown': 'There is a revocation list of every issuer',
  'withdrawn': 'The endorser has not withdrawn the endorsement',
} as const;

export type TrustCode = keyof typeof trustCodes;

/** What was found, before it is known whether the settings make it a failure. */
export interface TrustFinding {
  readonly code: TrustCode;
  readonly message: string;
}
