// Who signed: is this certificate one that the site's settings trust, at the time of the endorsement?
import { isIssuedBy, type Certificate } from '../signature/certificate.ts';
import { allowsUsage, findChains, judgeChain, timeProblem, type ChainRules } from './chain.ts';
import { type TrustFinding } from './codes.ts';
import { cRLSignBit, revocationState } from './revocation.ts';
import { type TrustSettings } from './settings.ts';

/** How trust in a certificate came about, for the report. */
export interface ChainVerdict {
  readonly title: string;
  /** Endorser's certificate first; the root last, where there is one. */
  readonly chain: readonly Certificate[];
  readonly findings: readonly TrustFinding[];
  /** Nothing was judged, because the settings ask for nothing. */
  readonly skipped: boolean;
}

const plainHex = (fingerprint: string): string => fingerprint.replaceAll(':', '').toLowerCase();

/** Certificates that came with the signature and are not on the way up from the endorser's. */
function strayFindings(certificate: Certificate, others: readonly Certificate[]): TrustFinding[] {
  let left = [...others];
  for (let last: Certificate | undefined = certificate; last;) {
    const below: Certificate = last;
    last = left.find((item) => isIssuedBy(below, item));
    left = left.filter((item) => item !== last);
  }
  return left.map((item) => ({
    code: 'certificate-stray',
    message: `${item.subjectText} is not part of the endorser's chain; sign with the right certificates.`,
  }));
}

/** Finds why a certificate would be trusted, or says that it is not. */
export function judgeCertificate(
  certificate: Certificate,
  others: readonly Certificate[],
  settings: TrustSettings,
  rules: ChainRules,
): ChainVerdict {
  const stray = strayFindings(certificate, others);
  const own = [certificate, ...others];
  if ((settings.pinned ?? []).some((fingerprint) => plainHex(fingerprint) === certificate.fingerprint)) {
    return { title: 'the certificate is pinned', chain: own, findings: stray, skipped: false };
  }
  const judged = findChains(certificate, others, settings.authorities ?? [])
    .map((chain) => ({ chain, findings: judgeChain(chain, rules) }))
    .sort((left, right) => left.findings.length - right.findings.length);
  const [best] = judged;
  if (best) {
    const root = best.chain.at(-1)?.subjectText ?? '';
    const title = `the certificate leads to ${root}`;
    return { title, chain: best.chain, findings: [...stray, ...best.findings], skipped: false };
  }
  if (settings.acceptUnknown === true) {
    return {
      title: 'who signed is not judged: no trust settings were given',
      chain: own,
      findings: stray,
      skipped: true,
    };
  }
  const selfSigned = isIssuedBy(certificate, certificate);
  if (settings.acceptSelfSigned === true && selfSigned) {
    const title = 'the certificate is signed by itself, which this site takes: nobody else vouches for the name';
    return { title, chain: own, findings: stray, skipped: false };
  }
  const unknown: TrustFinding = selfSigned
    ? { code: 'certificate-self-signed', message: 'The certificate is signed by itself, and is not pinned here.' }
    : { code: 'certificate-unknown', message: `No authority of this site issued ${certificate.subjectText}.` };
  return { title: 'the certificate is trusted', chain: own, findings: [...stray, unknown], skipped: false };
}

const day = (date: Date): string => date.toISOString().slice(0, 10);

/** Whether the endorser's own certificate was valid at the time. */
export function checkCertificateTime(certificate: Certificate, rules: ChainRules): TrustFinding[] {
  const window = `it is valid from ${day(certificate.notBefore)} to ${day(certificate.notAfter)}`;
  const problem = timeProblem(certificate, rules);
  if (problem === undefined) return [];
  return problem === 'expired'
    ? [{ code: 'certificate-expired', message: `The certificate had expired on ${day(rules.time)}: ${window}.` }]
    : [
        {
          code: 'certificate-not-yet-valid',
          message: `The certificate was not valid yet on ${day(rules.time)}: ${window}.`,
        },
      ];
}

/** Extended usages that an endorser's certificate may be limited to: e-mail, documents, code, a person's logins, any. */
const endorserUsages: ReadonlySet<string> = new Set([
  '1.3.6.1.5.5.7.3.4',
  '1.3.6.1.5.5.7.3.36',
  '1.3.6.1.5.5.7.3.3',
  '1.3.6.1.5.5.7.3.2',
  '2.5.29.37.0',
]);

/** KeyUsage must allow signatures, and ExtendedKeyUsage those of a person; each where it is there. */
export function checkCertificateUsage(certificate: Certificate): TrustFinding[] {
  const { extendedKeyUsage } = certificate;
  const signs = certificate.keyUsage === undefined || allowsUsage(certificate, 0) || allowsUsage(certificate, 1);
  const personal = extendedKeyUsage === undefined || extendedKeyUsage.some((id) => endorserUsages.has(id));
  return signs === true && personal
    ? []
    : [
        {
          code: 'certificate-usage',
          message: 'The certificate is not for signatures; use one whose key usage says so.',
        },
      ];
}

export interface RevocationFindings {
  readonly revoked: readonly TrustFinding[];
  /** Lists that are missing or out of date. */
  readonly missing: readonly TrustFinding[];
}

/** What the revocation lists say of every certificate of a chain below its root. */
export function checkRevocation(
  chain: readonly Certificate[],
  settings: TrustSettings,
  when: { readonly now: Date; readonly time: Date },
): RevocationFindings {
  const revoked: TrustFinding[] = [];
  const missing: TrustFinding[] = [];
  for (const [place, certificate] of chain.entries()) {
    const issuer = chain[place + 1];
    if (!issuer) break;
    const maySign = allowsUsage(issuer, cRLSignBit) !== false;
    const name = certificate.subjectText;
    switch (revocationState(certificate, issuer, settings.revocationLists ?? [], when, maySign)) {
      case 'good':
        break;
      case 'revoked':
        revoked.push({ code: 'certificate-revoked', message: `${name} was revoked by ${issuer.subjectText}.` });
        break;
      case 'stale':
        missing.push({
          code: 'revocation-stale',
          message: `The revocation list of ${issuer.subjectText} is out of date.`,
        });
        break;
      case 'unknown':
        missing.push({ code: 'revocation-unknown', message: `There is no revocation list of ${issuer.subjectText}.` });
        break;
    }
  }
  return { revoked, missing };
}
