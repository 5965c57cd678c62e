// One X.509 certificate, read once: what Node knows of it, and the names and extensions that Node does not tell.
import { X509Certificate, type KeyObject } from 'node:crypto';
import { decodeBase64 } from './base64.ts';
import { describeKey, type KeyFacts } from './algorithms.ts';
import {
  DerError,
  derChild,
  derChildren,
  derIntegerHex,
  derOid,
  derTags,
  derTime,
  readDer,
  type DerNode,
} from './der.ts';
import { formatName, readName, type DistinguishedName } from './names.ts';

export interface CertificateExtension {
  readonly critical: boolean;
  /** DER of the extension's own value. */
  readonly value: Uint8Array;
}

/** BasicConstraints (RFC 5280 §4.2.1.9); a certificate without them is no authority. */
export interface BasicConstraints {
  readonly authority: boolean;
  readonly critical: boolean;
  /** Authorities that may stand between this one and an endorser; Infinity where it is not said. */
  readonly pathLength: number;
}

export interface Certificate {
  readonly x509: X509Certificate;
  readonly pem: string;
  readonly publicKey: KeyObject;
  readonly key: KeyFacts;
  readonly subject: DistinguishedName;
  readonly issuer: DistinguishedName;
  /** RFC 2253. */
  readonly subjectText: string;
  readonly issuerText: string;
  readonly serial: string;
  /** The rfc822 subject alternative names. */
  readonly emails: readonly string[];
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** SHA-256 of the DER, lower-case hex. */
  readonly fingerprint: string;
  /** The bits of KeyUsage, the first one highest; undefined where it says nothing. */
  readonly keyUsage: number | undefined;
  /** Object identifiers of ExtendedKeyUsage; undefined where it says nothing. */
  readonly extendedKeyUsage: readonly string[] | undefined;
  readonly constraints: BasicConstraints;
  /** Critical extensions that are not understood here, by object identifier. */
  readonly unknownCritical: readonly string[];
  /** Object identifier of the algorithm that it is signed with. */
  readonly signatureAlgorithm: string;
  /** DER of the name that it was issued under, and of its own. */
  readonly issuerDer: Uint8Array;
  readonly subjectDer: Uint8Array;
}

const extensionIds = {
  keyUsage: '2.5.29.15',
  subjectAlternativeName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  extendedKeyUsage: '2.5.29.37',
} as const;

/** The Extensions of a certificate or a revocation list (RFC 5280 §4.2). */
export function readExtensions(sequence: DerNode): Map<string, CertificateExtension> {
  const found = new Map<string, CertificateExtension>();
  for (const item of derChildren(sequence)) {
    const parts = derChildren(item);
    const id = derOid(derChild(parts, 0, derTags.oid));
    if (found.has(id)) throw new DerError(`the extension ${id} stands twice`);
    const critical = parts.length > 2 && derChild(parts, 1, derTags.boolean).content[0] !== 0;
    found.set(id, { critical, value: derChild(parts, parts.length - 1, derTags.octetString).content });
  }
  return found;
}

function emailsOf(extension: CertificateExtension | undefined): string[] {
  if (!extension) return [];
  return derChildren(readDer(extension.value))
    .filter((name) => name.tag === 0x81)
    .map((name) => Buffer.from(name.content).toString('latin1'));
}

const understood: ReadonlySet<string> = new Set(Object.values(extensionIds));

function constraintsOf(extension: CertificateExtension | undefined): BasicConstraints {
  if (!extension) return { authority: false, critical: false, pathLength: Infinity };
  const parts = derChildren(readDer(extension.value));
  const length = parts.find((part) => part.tag === derTags.integer);
  return {
    authority: parts[0]?.tag === derTags.boolean && parts[0].content[0] !== 0,
    critical: extension.critical,
    pathLength: length ? Number.parseInt(derIntegerHex(length), 16) : Infinity,
  };
}

function keyUsageOf(extension: CertificateExtension | undefined): number | undefined {
  return extension && (readDer(extension.value).content[1] ?? 0);
}

function extendedKeyUsageOf(extension: CertificateExtension | undefined): string[] | undefined {
  return extension && derChildren(readDer(extension.value)).map(derOid);
}

/** What Node reads of a certificate. Throws a DerError where it cannot. */
function openCertificate(bytes: Uint8Array | string): Pick<Certificate, 'x509' | 'pem' | 'publicKey' | 'key'> {
  try {
    const x509 = new X509Certificate(bytes);
    const { publicKey } = x509;
    return { x509, pem: x509.toString(), publicKey, key: describeKey(publicKey) };
  } catch (error) {
    throw new DerError('this is no certificate', { cause: error });
  }
}

/** Reads a certificate from DER or PEM. Throws a DerError where it is none. */
export function readCertificate(bytes: Uint8Array | string): Certificate {
  const opened = openCertificate(bytes);
  const { x509 } = opened;
  const [body, algorithm] = derChildren(readDer(x509.raw));
  if (!body || !algorithm) throw new DerError('this is no certificate');
  const tbs = derChildren(body);
  const offset = tbs[0]?.tag === 0xa0 ? 1 : 0;
  const issuer = derChild(tbs, offset + 2, derTags.sequence);
  const validity = derChildren(derChild(tbs, offset + 3, derTags.sequence));
  const subject = derChild(tbs, offset + 4, derTags.sequence);
  const wrapped = tbs.find((node) => node.tag === 0xa3);
  const extensions = wrapped ? readExtensions(readDer(wrapped.content)) : new Map<string, CertificateExtension>();
  const subjectName = readName(subject);
  const issuerName = readName(issuer);
  return {
    ...opened,
    subject: subjectName,
    issuer: issuerName,
    subjectText: formatName(subjectName),
    issuerText: formatName(issuerName),
    serial: derIntegerHex(derChild(tbs, offset, derTags.integer)),
    emails: emailsOf(extensions.get(extensionIds.subjectAlternativeName)),
    notBefore: derTime(derChild(validity, 0)),
    notAfter: derTime(derChild(validity, 1)),
    fingerprint: x509.fingerprint256.replaceAll(':', '').toLowerCase(),
    keyUsage: keyUsageOf(extensions.get(extensionIds.keyUsage)),
    extendedKeyUsage: extendedKeyUsageOf(extensions.get(extensionIds.extendedKeyUsage)),
    constraints: constraintsOf(extensions.get(extensionIds.basicConstraints)),
    unknownCritical: [...extensions].filter(([id, item]) => item.critical && !understood.has(id)).map(([id]) => id),
    signatureAlgorithm: derOid(derChild(derChildren(algorithm), 0, derTags.oid)),
    issuerDer: issuer.whole,
    subjectDer: subject.whole,
  };
}

/** All certificates of a PEM text, in its order. */
export function readPemCertificates(pem: string): Certificate[] {
  return (pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map(readCertificate);
}

const issued = new WeakMap<Certificate, WeakMap<Certificate, boolean>>();

/** Whether one certificate bears the other's signature and name. Checked once for each pair that is kept in memory. */
export function isIssuedBy(certificate: Certificate, issuer: Certificate): boolean {
  const known = issued.get(certificate) ?? new WeakMap<Certificate, boolean>();
  issued.set(certificate, known);
  const answer = known.get(issuer) ?? checkIssued(certificate, issuer);
  known.set(issuer, answer);
  return answer;
}

function checkIssued(certificate: Certificate, issuer: Certificate): boolean {
  return Buffer.compare(certificate.issuerDer, issuer.subjectDer) === 0 && certificate.x509.verify(issuer.publicKey);
}

/** Reads the text of an X509Certificate element. Throws an Error where it is no certificate in base64. */
export type ReadCertificate = (text: string) => Certificate;

/** Longer texts are read each time: what is kept in memory must not grow with what is sent. */
const mostCachedLength = 16 * 1024;

/** Reading a certificate takes longer than checking a signature, and endorsers sign many documents: keep the last ones. */
export function cachedCertificates(most: number): ReadCertificate {
  const cache = new Map<string, Certificate>();
  return (text) => {
    const known = cache.get(text);
    if (known) return known;
    const der = decodeBase64(text);
    if (!der) throw new Error('it is not base64');
    const certificate = readCertificate(der);
    if (cache.size >= most) cache.delete(cache.keys().next().value ?? '');
    if (text.length <= mostCachedLength) cache.set(text, certificate);
    return certificate;
  };
}
