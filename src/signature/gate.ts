// The structure gate: exactly the one form of signature that is accepted, before any cryptography (design/metadata.md §4, 2).
import { type Failure } from '../xml/failure.ts';
import { namespaces } from '../xml/namespaces.ts';
import { attributeOf, elementsOf, isElement, textOf, type XmlElement } from '../xml/tree.ts';
import {
  currentProfile,
  defaultForm,
  describeKey,
  envelopedTransform,
  leastRsaBits,
  legacyProfile,
  type DigestMethod,
  type Profile,
  type SignatureMethod,
} from './algorithms.ts';
import { type Certificate, type ReadCertificate } from './certificate.ts';
import { type CanonicalForm } from '../xml/write-canonical.ts';
import { type SignatureCode } from './codes.ts';

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

export interface GateFinding {
  readonly code: SignatureCode;
  readonly at: XmlElement;
  readonly message: string;
}

export interface GateResult {
  readonly facts: SignatureFacts | undefined;
  readonly findings: readonly GateFinding[];
}

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Strict base64, spaces and line breaks aside. Undefined where it is anything else, or nothing at all. */
function decodeBase64(text: string): Buffer | undefined {
  const packed = text.replaceAll(/[ \t\r\n]/g, '');
  return packed !== '' && base64.test(packed) ? Buffer.from(packed, 'base64') : undefined;
}

/** The elements of a signature and the children that each must have, in order; `+` means one or more. */
const shapes: Readonly<Record<string, readonly string[]>> = {
  'ds:Signature': ['ds:SignedInfo', 'ds:SignatureValue', 'ds:KeyInfo'],
  'ds:SignedInfo': ['ds:CanonicalizationMethod', 'ds:SignatureMethod', 'ds:Reference'],
  'ds:CanonicalizationMethod': [],
  'ds:SignatureMethod': [],
  'ds:Reference': ['ds:Transforms', 'ds:DigestMethod', 'ds:DigestValue'],
  'ds:Transforms': ['ds:Transform+'],
  'ds:Transform': [],
  'ds:DigestMethod': [],
  'ds:DigestValue': [],
  'ds:SignatureValue': [],
  'ds:KeyInfo': ['ds:X509Data'],
  'ds:X509Data': ['ds:X509Certificate+'],
  'ds:X509Certificate': [],
};
const valued = new Set(['ds:DigestValue', 'ds:SignatureValue', 'ds:X509Certificate']);
/** The attributes that the elements may carry; none in a namespace. */
const attributesOf: Readonly<Record<string, readonly string[]>> = {
  'ds:Signature': ['Id'],
  'ds:CanonicalizationMethod': ['Algorithm'],
  'ds:SignatureMethod': ['Algorithm'],
  'ds:Reference': ['URI'],
  'ds:Transform': ['Algorithm'],
  'ds:DigestMethod': ['Algorithm'],
};
const codeOfShape: Readonly<Record<string, SignatureCode>> = {
  'ds:SignedInfo': 'signed-info',
  'ds:Reference': 'reference',
  'ds:Transforms': 'transforms',
  'ds:Transform': 'transforms',
  'ds:KeyInfo': 'key-info',
  'ds:X509Data': 'key-info',
};

function sameShape(names: readonly string[], shape: readonly string[]): boolean {
  const [first = ''] = shape;
  if (first.endsWith('+')) return names.length > 0 && names.every((name) => name === first.slice(0, -1));
  return names.length === shape.length && names.every((name, place) => name === shape[place]);
}

function checkShape(element: XmlElement): GateFinding[] {
  const name = element.term;
  const shape = shapes[name];
  const code = codeOfShape[name] ?? 'signature-content';
  if (!shape) return [];
  const found: GateFinding[] = [];
  const children = element.elements;
  if (
    !sameShape(
      children.map((child) => child.term),
      shape,
    )
  ) {
    const wanted = shape.length === 0 ? 'no elements' : `exactly ${shape.join(', ')}`;
    const references = children.filter((child) => child.term === 'ds:Reference').length;
    found.push({
      code: name === 'ds:SignedInfo' && references !== 1 ? 'reference-count' : code,
      at: element,
      message: `${name} must hold ${wanted}; sign the document again.`,
    });
  }
  const stray = element.children.some((child) =>
    typeof child === 'string' ? !valued.has(name) && child.trim() !== '' : !isElement(child),
  );
  if (stray) {
    found.push({ code: 'signature-text', at: element, message: `${name} holds a comment or stray text; sign again.` });
  }
  const allowed = attributesOf[name] ?? [];
  if (element.attributes.some((item) => item.prefix !== '' || !allowed.includes(item.name))) {
    found.push({ code: 'signature-attribute', at: element, message: `${name} carries an unexpected attribute.` });
  }
  return [...found, ...children.flatMap(checkShape)];
}

const inside = (element: XmlElement | undefined, ...path: readonly string[]): XmlElement | undefined => {
  let at = element;
  for (const name of path) at = at && at.elements.find((child) => child.term === name);
  return at;
};

/** Where signatures stand: exactly one, as the last child of the root, and nothing like it anywhere else. */
function checkPlace(root: XmlElement): GateFinding[] {
  const found: GateFinding[] = [];
  const everything = elementsOf(root);
  const all = everything.filter((element) => element.term === 'ds:Signature');
  const [first, ...more] = all;
  if (!first) {
    return [{ code: 'signature-missing', at: root, message: 'The document has no signature; sign it first.' }];
  }
  for (const extra of more) {
    found.push({ code: 'signature-repeated', at: extra, message: 'There is more than one signature; sign it again.' });
  }
  const last = root.children.findLast((child) => isElement(child));
  const after = root.children.slice(root.children.findLastIndex((child) => child === last) + 1);
  if (all.some((element) => element.parent !== root) || last !== all.at(-1)) {
    found.push({
      code: 'signature-misplaced',
      at: first,
      message: 'The signature must be the last child of the root element; sign the document again.',
    });
  } else if (after.some((child) => typeof child === 'string' && child.trim() !== '')) {
    found.push({ code: 'signature-misplaced', at: first, message: 'There is text after the signature; sign again.' });
  }
  for (const element of everything) {
    if (element.namespace !== namespaces.ds || all.some((signature) => isWithin(element, signature))) continue;
    found.push({
      code: 'signature-misplaced',
      at: element,
      message: `${element.term} stands outside the signature.`,
    });
  }
  return found;
}

function isWithin(element: XmlElement, ancestor: XmlElement): boolean {
  for (let at: XmlElement | undefined = element; at; at = at.parent) if (at === ancestor) return true;
  return false;
}

interface Named {
  readonly canonicalization: string;
  readonly method: string;
  readonly transforms: readonly string[];
  readonly digest: string;
}

function fits(profile: Profile, named: Named): boolean {
  const [first, second, ...more] = named.transforms;
  return (
    profile.canonicalizations.has(named.canonicalization) &&
    profile.methods.has(named.method) &&
    profile.digests.has(named.digest) &&
    first === envelopedTransform &&
    more.length === 0 &&
    (second === undefined || profile.transforms.has(second))
  );
}

/** Which of the algorithms is in no list, each by its own code. */
function checkAlgorithms(signedInfo: XmlElement, named: Named, allowLegacy: boolean): GateFinding[] {
  const profiles = [currentProfile, ...(allowLegacy ? [legacyProfile] : [])];
  if (profiles.some((profile) => fits(profile, named))) return [];
  const at = (...path: string[]): XmlElement => inside(signedInfo, ...path) ?? signedInfo;
  if (!allowLegacy && fits(legacyProfile, named)) {
    return [
      {
        code: 'legacy-algorithm',
        at: at('ds:SignatureMethod'),
        message:
          'The signature is RSA-SHA1, which is no longer safe; it is accepted only where legacy documents are allowed.',
      },
    ];
  }
  const found: GateFinding[] = [];
  const none = (table: (profile: Profile) => ReadonlyMap<string, unknown>, uri: string): boolean =>
    !profiles.some((profile) => table(profile).has(uri));
  const refuse = (code: SignatureCode, where: XmlElement, what: string, uri: string): void => {
    found.push({
      code,
      at: where,
      message: `The ${what} ${JSON.stringify(uri.slice(0, 120))} is not accepted; sign again.`,
    });
  };
  if (none((profile) => profile.canonicalizations, named.canonicalization)) {
    refuse('canonicalization-algorithm', at('ds:CanonicalizationMethod'), 'canonicalization', named.canonicalization);
  }
  if (none((profile) => profile.methods, named.method)) {
    refuse('signature-algorithm', at('ds:SignatureMethod'), 'signature algorithm', named.method);
  }
  if (none((profile) => profile.digests, named.digest)) {
    refuse('digest-algorithm', at('ds:Reference', 'ds:DigestMethod'), 'digest algorithm', named.digest);
  }
  const [first, second, ...more] = named.transforms;
  if (first !== envelopedTransform || more.length > 0 || (second !== undefined && none((p) => p.transforms, second))) {
    refuse('transforms', at('ds:Reference', 'ds:Transforms'), 'list of transforms', named.transforms.join(' '));
  }
  if (found.length === 0) {
    refuse('signature-algorithm', at('ds:SignatureMethod'), 'mix of old and new algorithms with', named.method);
  }
  return found;
}

const algorithm = (element: XmlElement | undefined): string => (element && attributeOf(element, '', 'Algorithm')) ?? '';

/** Checks the signature of a document and takes it apart. What is found wrong does not keep the rest from being looked at. */
export function passGate(root: XmlElement, allowLegacy: boolean, read: ReadCertificate): GateResult {
  const findings: GateFinding[] = [...checkPlace(root)];
  const signature = elementsOf(root).findLast((element) => element.term === 'ds:Signature');
  if (!signature) return { facts: undefined, findings };
  findings.push(...checkShape(signature));

  const signedInfo = inside(signature, 'ds:SignedInfo');
  const reference = inside(signedInfo, 'ds:Reference');
  const named: Named = {
    canonicalization: algorithm(inside(signedInfo, 'ds:CanonicalizationMethod')),
    method: algorithm(inside(signedInfo, 'ds:SignatureMethod')),
    digest: algorithm(inside(reference, 'ds:DigestMethod')),
    transforms: elementsIn(inside(reference, 'ds:Transforms')).map(algorithm),
  };
  if (!signedInfo || !reference) return { facts: undefined, findings };
  if (attributeOf(reference, '', 'URI') !== '') {
    findings.push({
      code: 'reference-uri',
      at: reference,
      message: 'The signature must cover the whole document (URI=""); sign it again.',
    });
  }
  findings.push(...checkAlgorithms(signedInfo, named, allowLegacy));
  // A finding above ends the matter; where a test takes that finding away, the nearest known algorithm stands in.
  const profile = fits(legacyProfile, named) ? legacyProfile : currentProfile;
  const both = [profile, currentProfile, legacyProfile];
  const method = both.map((one) => one.methods.get(named.method)).find(Boolean);
  const digest = both.map((one) => one.digests.get(named.digest)).find(Boolean);
  const signedInfoForm = both.map((one) => one.canonicalizations.get(named.canonicalization)).find(Boolean);
  const transformed = named.transforms.slice(1).map((uri) => profile.transforms.get(uri));

  const valueElement = inside(signature, 'ds:SignatureValue');
  const digestElement = inside(reference, 'ds:DigestValue');
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
  const certificates = readCertificates(signature, read, findings);
  const [certificate, ...others] = certificates;
  if (certificate && method && value) findings.push(...checkKey(certificate, method, value, valueElement ?? signature));
  if (!certificate || !method || !digest || !signedInfoForm || !value || !digestValue) {
    return { facts: undefined, findings };
  }
  return {
    facts: {
      signature,
      signedInfo,
      profile,
      signedInfoForm,
      documentForm: transformed[0] ?? defaultForm,
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

const elementsIn = (element: XmlElement | undefined): readonly XmlElement[] => (element ? element.elements : []);

/** At most so many certificates are read from one document. */
const mostCertificates = 8;

function readCertificates(signature: XmlElement, read: ReadCertificate, findings: GateFinding[]): Certificate[] {
  const data = inside(signature, 'ds:KeyInfo', 'ds:X509Data');
  const elements = elementsIn(data).filter((child) => child.term === 'ds:X509Certificate');
  const found: Certificate[] = [];
  for (const element of elements.slice(0, mostCertificates)) {
    const packed = textOf(element).replaceAll(/[ \t\r\n]/g, '');
    try {
      if (!base64.test(packed) || packed === '') throw new Error('it is not base64');
      found.push(read(packed));
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

function checkKey(certificate: Certificate, method: SignatureMethod, value: Buffer, at: XmlElement): GateFinding[] {
  const key = describeKey(certificate.publicKey);
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
