// The algorithms a signature may name, as closed lists: one for today, one for the documents of the original software.
import { type KeyObject } from 'node:crypto';
import { type CanonicalForm } from '../xml/write-canonical.ts';

const dsig = 'http://www.w3.org/2000/09/xmldsig#';
const more = 'http://www.w3.org/2001/04/xmldsig-more#';
const inclusive = 'http://www.w3.org/TR/2001/REC-xml-c14n-20010315';
const exclusive = 'http://www.w3.org/2001/10/xml-exc-c14n#';

export const envelopedTransform = `${dsig}enveloped-signature`;
export const exclusiveForm = exclusive;

export type HashName = 'sha1' | 'sha256' | 'sha384' | 'sha512';

export interface SignatureMethod {
  readonly uri: string;
  readonly key: 'rsa' | 'ec';
  readonly hash: HashName;
}

export interface DigestMethod {
  readonly uri: string;
  readonly hash: HashName;
  readonly bytes: number;
}

/** What a signature may be made of. Everything else is refused by name. */
export interface Profile {
  readonly name: 'current' | 'legacy';
  /** Of SignedInfo. */
  readonly canonicalizations: ReadonlyMap<string, CanonicalForm>;
  /** Of the document: the transform that may follow the enveloped one. */
  readonly transforms: ReadonlyMap<string, CanonicalForm>;
  readonly methods: ReadonlyMap<string, SignatureMethod>;
  readonly digests: ReadonlyMap<string, DigestMethod>;
}

const plain: CanonicalForm = { exclusive: false, comments: false };
const exclusivePlain: CanonicalForm = { exclusive: true, comments: false };

/** What a Reference without a canonicalization of its own is digested in (XML-Signature §4.4.3.2). */
export const defaultForm = plain;

const method = (name: string, key: 'rsa' | 'ec', hash: HashName): [string, SignatureMethod] => [
  `${more}${name}`,
  { uri: `${more}${name}`, key, hash },
];
const digest = (uri: string, hash: HashName, bytes: number): [string, DigestMethod] => [uri, { uri, hash, bytes }];

export const currentProfile: Profile = {
  name: 'current',
  canonicalizations: new Map([
    [inclusive, plain],
    [exclusive, exclusivePlain],
  ]),
  transforms: new Map([
    [inclusive, plain],
    [exclusive, exclusivePlain],
  ]),
  methods: new Map([
    method('rsa-sha256', 'rsa', 'sha256'),
    method('rsa-sha384', 'rsa', 'sha384'),
    method('rsa-sha512', 'rsa', 'sha512'),
    method('ecdsa-sha256', 'ec', 'sha256'),
    method('ecdsa-sha384', 'ec', 'sha384'),
    method('ecdsa-sha512', 'ec', 'sha512'),
  ]),
  digests: new Map([
    digest('http://www.w3.org/2001/04/xmlenc#sha256', 'sha256', 32),
    digest(`${more}sha384`, 'sha384', 48),
    digest('http://www.w3.org/2001/04/xmlenc#sha512', 'sha512', 64),
  ]),
};

/** What the StratusLab tools wrote: RSA-SHA1 over inclusive canonical form, the enveloped transform only. */
export const legacyProfile: Profile = {
  name: 'legacy',
  canonicalizations: new Map([
    [`${inclusive}#WithComments`, { exclusive: false, comments: true }],
    [inclusive, plain],
  ]),
  transforms: new Map(),
  methods: new Map([[`${dsig}rsa-sha1`, { uri: `${dsig}rsa-sha1`, key: 'rsa', hash: 'sha1' }]]),
  digests: new Map([digest(`${dsig}sha1`, 'sha1', 20)]),
};

/** Smallest RSA modulus in bits. */
export const leastRsaBits = 2048;

const curves: Readonly<Record<string, { readonly name: string; readonly bytes: number }>> = {
  prime256v1: { name: 'P-256', bytes: 32 },
  secp384r1: { name: 'P-384', bytes: 48 },
};

export interface KeyFacts {
  readonly kind: 'rsa' | 'ec' | 'other';
  /** Such as `RSA 3072` or `EC P-256`. */
  readonly title: string;
  readonly strong: boolean;
  /** Bytes of a signature: of the modulus, or of r and s. */
  readonly signatureBytes: number;
}

export function describeKey(key: KeyObject): KeyFacts {
  const details = key.asymmetricKeyDetails;
  if (key.asymmetricKeyType === 'rsa') {
    const bits = details?.modulusLength ?? 0;
    return { kind: 'rsa', title: `RSA ${bits}`, strong: bits >= leastRsaBits, signatureBytes: Math.ceil(bits / 8) };
  }
  if (key.asymmetricKeyType === 'ec') {
    const curve = curves[details?.namedCurve ?? ''];
    return {
      kind: 'ec',
      title: `EC ${curve?.name ?? details?.namedCurve ?? 'unknown'}`,
      strong: curve !== undefined,
      signatureBytes: (curve?.bytes ?? 0) * 2,
    };
  }
  return { kind: 'other', title: key.asymmetricKeyType ?? 'unknown', strong: false, signatureBytes: 0 };
}

/** Such as `RSA-SHA256` or `ECDSA-P256-SHA256`. */
export function methodTitle(used: SignatureMethod, key: KeyFacts): string {
  const hash = used.hash.toUpperCase();
  return used.key === 'rsa' ? `RSA-${hash}` : `ECDSA-${key.title.replace(/^EC /, '').replace('-', '')}-${hash}`;
}

/** What new signatures of this key use, or undefined where the key is of no use. */
export function methodFor(
  key: KeyFacts,
): { readonly method: SignatureMethod; readonly digest: DigestMethod } | undefined {
  if (!key.strong) return undefined;
  const hash = key.title === 'EC P-384' ? 'sha384' : 'sha256';
  const found = [...currentProfile.methods.values()].find((item) => item.key === key.kind && item.hash === hash);
  const digestMethod = [...currentProfile.digests.values()].find((item) => item.hash === hash);
  return found && digestMethod ? { method: found, digest: digestMethod } : undefined;
}
