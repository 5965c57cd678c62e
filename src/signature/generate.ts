// New keys with a self-signed certificate that names an e-mail address, or with a request for a CA to sign.
import { generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { Fault } from '../errors/fault.ts';
import { isEmail } from '../metadata/values.ts';
import { readCertificate } from './certificate.ts';
import {
  basicConstraintsExtension,
  emailExtension,
  extendedKeyUsageExtension,
  issueCertificate,
  issueRequest,
  keyUsageExtension,
  toPem,
  type NameParts,
  type NewExtension,
} from './issue.ts';
import { type Signer } from './keys.ts';

export const keyTypes = ['rsa-3072', 'rsa-2048', 'rsa-4096', 'ec-p256', 'ec-p384'] as const;
export type KeyType = (typeof keyTypes)[number];

/** Who a new certificate is for. */
export interface Subject {
  /** Common name, such as `Jane Tester`. */
  readonly name: string;
  readonly email: string;
  readonly organization?: string;
  /** Two letters. */
  readonly country?: string;
}

export interface NewKey {
  readonly privateKey: KeyObject;
  /** PKCS#8, encrypted where a passphrase was given. */
  readonly privateKeyPem: string;
}

const generatePair = promisify(generateKeyPair);

/** A private key of the given type. */
export async function generateKey(type: KeyType): Promise<KeyObject> {
  const pair =
    type === 'ec-p256' || type === 'ec-p384'
      ? await generatePair('ec', { namedCurve: type === 'ec-p256' ? 'P-256' : 'P-384' })
      : await generatePair('rsa', { modulusLength: Number(type.slice('rsa-'.length)) });
  return pair.privateKey;
}

function toNewKey(privateKey: KeyObject, passphrase: string | undefined): NewKey {
  const protection = passphrase === undefined ? {} : { cipher: 'aes-256-cbc', passphrase };
  return { privateKey, privateKeyPem: privateKey.export({ type: 'pkcs8', format: 'pem', ...protection }).toString() };
}

/** The subject's name, most significant part first, as certificates have it. */
function nameOf(subject: Subject): NameParts {
  if (!isEmail(subject.email)) {
    throw new Fault('usage', `${subject.email} is not an e-mail address such as jane@example.org.`);
  }
  if (subject.name.trim() === '') throw new Fault('usage', 'The certificate needs a name, such as "Jane Tester".');
  if (subject.country !== undefined && !/^[A-Z]{2}$/.test(subject.country)) {
    throw new Fault('usage', 'The country is two capital letters, such as GR.');
  }
  return [
    ...(subject.country === undefined ? [] : [['C', subject.country] as const]),
    ...(subject.organization === undefined ? [] : [['O', subject.organization] as const]),
    ['CN', subject.name],
  ];
}

/** What a certificate of an endorser says: signatures only, for e-mail, no authority. */
function endorserExtensions(email: string): NewExtension[] {
  return [
    basicConstraintsExtension(false),
    keyUsageExtension(['digitalSignature', 'nonRepudiation']),
    extendedKeyUsageExtension(['1.3.6.1.5.5.7.3.4']),
    emailExtension(email),
  ];
}

export interface NewCertificate extends NewKey {
  readonly certificatePem: string;
  readonly signer: Signer;
}

/**
 * A key and a certificate signed by itself, valid from `now` for `days`. Its address is the subject alternative name.
 * Throws a `Fault` (usage) where the subject is not usable.
 */
export async function generateCertificate(
  subject: Subject,
  type: KeyType,
  validity: { readonly now: Date; readonly days: number },
  passphrase?: string,
): Promise<NewCertificate> {
  const name = nameOf(subject);
  const key = toNewKey(await generateKey(type), passphrase);
  const notBefore = new Date(Math.floor(validity.now.getTime() / 1000) * 1000);
  const x509 = issueCertificate({
    subject: name,
    key: key.privateKey,
    notBefore,
    notAfter: new Date(notBefore.getTime() + validity.days * 86_400_000),
    extensions: endorserExtensions(subject.email),
  });
  return {
    ...key,
    certificatePem: toPem('CERTIFICATE', x509.raw),
    signer: { privateKey: key.privateKey, certificate: readCertificate(x509.raw), chain: [] },
  };
}

/** A key and a request for a certificate (PKCS#10), for a CA to sign. */
export async function generateRequest(
  subject: Subject,
  type: KeyType,
  passphrase?: string,
): Promise<NewKey & { readonly requestPem: string }> {
  const name = nameOf(subject);
  const key = toNewKey(await generateKey(type), passphrase);
  return { ...key, requestPem: issueRequest(name, key.privateKey, endorserExtensions(subject.email)) };
}
