// From an endorser's certificate to an authority of this site: the subset of RFC 5280 §6 that design/metadata.md §4 names.
import { isIssuedBy, type Certificate } from '../signature/certificate.ts';
import { type TrustFinding } from './codes.ts';

/** Certificates of a chain, endorser's and root's counted. */
const mostDepth = 6;

const weakSignatures = new Set([
  '1.2.840.113549.1.1.2',
  '1.2.840.113549.1.1.4',
  '1.2.840.113549.1.1.5',
  '1.2.840.10045.4.1',
]);

/** Whether KeyUsage allows what bit `number` stands for (RFC 5280 §4.2.1.3); undefined where it says nothing. */
export function allowsUsage({ keyUsage }: Certificate, number: number): boolean | undefined {
  return keyUsage === undefined ? undefined : (keyUsage & (0x80 >> number)) !== 0;
}

export interface ChainRules {
  readonly time: Date;
  readonly skewSeconds: number;
  /** Old chains are judged by fewer rules: weak hashes and authorities without a critical mark pass. */
  readonly legacy: boolean;
}

/** Whether and why a certificate was not valid at a time. */
export function timeProblem(certificate: Certificate, rules: ChainRules): 'expired' | 'not-yet-valid' | undefined {
  const skew = rules.skewSeconds * 1000;
  if (rules.time.getTime() < certificate.notBefore.getTime() - skew) return 'not-yet-valid';
  if (rules.time.getTime() > certificate.notAfter.getTime()) return 'expired';
  return undefined;
}

/** What is wrong with a chain, the endorser's certificate first and the root last. */
export function judgeChain(chain: readonly Certificate[], rules: ChainRules): TrustFinding[] {
  const found: TrustFinding[] = [];
  const [, ...issuers] = chain;
  for (const [above, certificate] of chain.entries()) {
    const name = certificate.subjectText;
    if (above > 0) {
      const problem = timeProblem(certificate, rules);
      if (problem)
        found.push({ code: 'chain-time', message: `${name} was ${problem.replaceAll('-', ' ')} at that time.` });
    }
    for (const id of certificate.unknownCritical) {
      found.push({
        code: 'chain-extension',
        message: `${name} has the critical extension ${id}, which is not understood.`,
      });
    }
    const isRoot = above === chain.length - 1;
    if (!rules.legacy && !isRoot && weakSignatures.has(certificate.signatureAlgorithm)) {
      found.push({ code: 'chain-signature', message: `${name} is signed with MD5 or SHA-1; have it issued again.` });
    }
  }
  for (const [below, issuer] of issuers.entries()) {
    const { constraints } = issuer;
    const maySign = allowsUsage(issuer, 5);
    const authority = constraints.authority && (rules.legacy || (constraints.critical && maySign !== undefined));
    if (!authority || maySign === false) {
      found.push({
        code: 'chain-authority',
        message: `${issuer.subjectText} is no authority that may sign certificates.`,
      });
    }
    // Certificates between this one and the endorser's, those of the same name not counted (RFC 5280 §4.2.1.9).
    const between = issuers
      .slice(0, below)
      .filter((item) => Buffer.compare(item.issuerDer, item.subjectDer) !== 0).length;
    if (between > constraints.pathLength) {
      found.push({ code: 'chain-length', message: `${issuer.subjectText} does not allow a chain of this length.` });
    }
  }
  return found;
}

/** All chains from a certificate over the given ones to a root among the authorities; the shortest first. */
export function findChains(
  certificate: Certificate,
  others: readonly Certificate[],
  authorities: readonly Certificate[],
): Certificate[][] {
  const roots = authorities.filter((item) => isIssuedBy(item, item));
  const between = [...others, ...authorities].filter((item) => !roots.includes(item));
  const complete: Certificate[][] = [];
  let open: Certificate[][] = [[certificate]];
  // Breadth first and bounded: certificates that issue each other must not cost more than a real chain.
  for (let depth = 1; depth <= mostDepth && open.length > 0 && open.length <= 64; depth += 1) {
    const longer: Certificate[][] = [];
    for (const chain of open) {
      const last = chain.at(-1);
      if (!last) continue;
      if (roots.some((root) => root.fingerprint === last.fingerprint)) {
        complete.push(chain);
        continue;
      }
      if (chain.length === mostDepth) continue;
      for (const issuer of [...roots, ...between]) {
        const known = chain.some((item) => item.fingerprint === issuer.fingerprint);
        if (!known && isIssuedBy(last, issuer)) longer.push([...chain, issuer]);
      }
    }
    open = longer;
  }
  return complete;
}
