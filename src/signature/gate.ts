// The structure gate: exactly the one form of signature that is accepted, before any cryptography (design/metadata.md §4, 2).
import { type Failure } from '../xml/failure.ts';
import { attributeOf, textOf, type XmlElement } from '../xml/tree.ts';
import { type CanonicalForm } from '../xml/write-canonical.ts';
import { leastRsaBits, type DigestMethod, type Profile, type SignatureMethod } from './algorithms.ts';
import { decodeBase64 } from './base64.ts';
import { type Certificate, type ReadCertificate } from './certificate.ts';
import { chooseAlgorithms } from './choose.ts';
import { checkPlace, checkShape, type GateFinding } from './shape.ts';

/** What a signature that passed the gate says of itself. None of it is proven yet. */
export interface SignatureFacts {
  readonly signature: XmlElement;
  readonly signedInfo: XmlElement;
  readonly profile: Profile;
  readonly signedInfoForm: CanonicalForm;
  readonly documentForm: CanonicalForm;
  readonly method: SignatureMethod;
  readonly digest: DigestMethod;
  readonly digestValue: Buffer;
  readonly value: Buffer;
  /** The candidate: who it is, is for the trust rules to say. */
  readonly certificate: Certificate;
  /** The other certificates of X509Data. */
  readonly others: readonly Certificate[];
}

export interface GateResult {
  readonly facts: SignatureFacts | undefined;
  readonly findings: readonly GateFinding[];
}

const childOf = (element: XmlElement | undefined, name: string): XmlElement | undefined =>
  element && element.elements.find((child) => child.term === name);

/** Checks the signature of a document and takes it apart. What is found wrong does not keep the rest from being looked at. */
export function passGate(root: XmlElement, allowLegacy: boolean, read: ReadCertificate): GateResult {
  const place = checkPlace(root);
  const { signature } = place;
  if (!signature) return { facts: undefined, findings: place.findings };
  const findings: GateFinding[] = [...place.findings, ...checkShape(signature)];

  const signedInfo = childOf(signature, 'ds:SignedInfo');
  const reference = childOf(signedInfo, 'ds:Reference');
  if (!signedInfo || !reference) return { facts: undefined, findings };
  if (attributeOf(reference, '', 'URI') !== '') {
    findings.push({
      code: 'reference-uri',
      at: reference,
      message: 'The signature must cover the whole document (URI=""); sign it again.',
    });
  }
  const parts = {
    signedInfo,
    reference,
    canonicalization: childOf(signedInfo, 'ds:CanonicalizationMethod'),
    method: childOf(signedInfo, 'ds:SignatureMethod'),
    transforms: childOf(reference, 'ds:Transforms'),
    digest: childOf(reference, 'ds:DigestMethod'),
  };
  const { method, digest, signedInfoForm, ...chosen } = chooseAlgorithms(parts, allowLegacy, findings);

  const valueElement = childOf(signature, 'ds:SignatureValue');
  const digestElement = childOf(reference, 'ds:DigestValue');
  const value = valueElement && decodeBase64(textOf(valueElement));
  const digestValue = digestElement && decodeBase64(textOf(digestElement));
  if (!value) {
    findings.push({
      code: 'signature-value',
      at: valueElement ?? signature,
      message: 'The signature value is not base64.',
    });
  }
  if (!digestValue || (digest && digestValue.byteLength !== digest.bytes)) {
    findings.push({
      code: 'digest-value',
      at: digestElement ?? reference,
      message: 'The digest value has a wrong form.',
    });
  }
  const [certificate, ...others] = readCertificates(signature, read, findings);
  if (certificate && method && value) findings.push(...checkKey(certificate, method, value, valueElement ?? signature));
  if (!certificate || !method || !digest || !signedInfoForm || !value || !digestValue) {
    return { facts: undefined, findings };
  }
  return {
    facts: {
      signature,
      signedInfo,
      ...chosen,
      signedInfoForm,
      method,
      digest,
      digestValue,
      value,
      certificate,
      others,
    },
    findings,
  };
}

/** At most so many certificates are read from one document. */
const mostCertificates = 8;

function readCertificates(signature: XmlElement, read: ReadCertificate, findings: GateFinding[]): Certificate[] {
  const data = childOf(childOf(signature, 'ds:KeyInfo'), 'ds:X509Data');
  const elements = data ? data.elements.filter((child) => child.term === 'ds:X509Certificate') : [];
  const found: Certificate[] = [];
  for (const element of elements.slice(0, mostCertificates)) {
    try {
      found.push(read(textOf(element)));
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      findings.push({ code: 'certificate-format', at: element, message: `A certificate cannot be read: ${why}.` });
      return [];
    }
  }
  if (elements.length === 0 || elements.length > mostCertificates) {
    findings.push({
      code: 'key-info',
      at: data ?? signature,
      message: `The signature must bring its certificate, and at most ${mostCertificates} in all.`,
    });
  }
  return found;
}

function checkKey({ key }: Certificate, method: SignatureMethod, value: Buffer, at: XmlElement): GateFinding[] {
  if (key.kind !== method.key) {
    return [{ code: 'key-mismatch', at, message: `The certificate's key (${key.title}) does not fit the algorithm.` }];
  }
  if (!key.strong) {
    return [
      { code: 'weak-key', at, message: `${key.title} is too weak; use RSA of ${leastRsaBits} bits, P-256 or P-384.` },
    ];
  }
  return value.byteLength === key.signatureBytes
    ? []
    : [{ code: 'signature-value', at, message: `A signature of ${key.title} has ${key.signatureBytes} bytes.` }];
}

/** Says which line of the document each finding is at. */
export function toFailures(findings: readonly GateFinding[], lineOf: (element: XmlElement) => number): Failure[] {
  return findings.map(({ code, at, message }) => ({ code, element: at.term, line: lineOf(at), message }));
}
