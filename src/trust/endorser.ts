// Whether the endorser that a document names is the holder of the certificate that signed it.
import { type Endorser } from '../metadata/model.ts';
import { type Certificate } from '../signature/certificate.ts';
import { parseName, sameName, type DistinguishedName } from '../signature/names.ts';
import { type TrustFinding } from './codes.ts';

/** Whether a text is a name, as names are compared; `written` is that name as it is written here. */
function isName(text: string, name: DistinguishedName, written: string): boolean {
  if (text === written) return true;
  const parsed = parseName(text);
  return parsed !== undefined && sameName(parsed, name);
}

/** Compares names as names (RFC 2253), and the address with the certificate's where it has one. */
export function checkEndorser(
  endorser: Endorser,
  certificate: Certificate,
  others: readonly Certificate[],
): TrustFinding[] {
  const found: TrustFinding[] = [];
  const address = endorser.email.toLowerCase();
  if (certificate.emails.length > 0 && !certificate.emails.some((email) => email.toLowerCase() === address)) {
    found.push({
      code: 'endorser-email',
      message: `The document says ${endorser.email}, the certificate ${certificate.emails.join(', ')}; sign it again.`,
    });
  }
  if (!isName(endorser.subject, certificate.subject, certificate.subjectText)) {
    found.push({
      code: 'endorser-subject',
      message: `The document says ${endorser.subject}, the certificate ${certificate.subjectText}; sign it again.`,
    });
  }
  const [first = '', ...more] = endorser.issuers;
  const above = [certificate, ...others];
  const isIssuer = (text: string, of: Certificate): boolean => isName(text, of.issuer, of.issuerText);
  if (!isIssuer(first, certificate) || more.some((text) => !above.some((item) => isIssuer(text, item)))) {
    found.push({
      code: 'endorser-issuer',
      message: `The document says ${endorser.issuers.join(' and ')}, the certificate ${certificate.issuerText}; sign it again.`,
    });
  }
  return found;
}
