// Makes certificates (RFC 5280), requests for them (PKCS#10, RFC 2986) and revocation lists, signed with node:crypto.
import { createHash, createPublicKey, randomBytes, sign, X509Certificate, type KeyObject } from 'node:crypto';
import { describeKey } from './algorithms.ts';
import { derChild, derChildren, readDer } from './der.ts';
import { bitString, der, integer, nil, octets, oid, sequence, set, time, truth, utf8 } from './der-write.ts';

/** Attribute keyword and value, most significant first: [['C', 'EU'], ['CN', 'Jane']]. */
export type NameParts = readonly (readonly [type: 'C' | 'O' | 'OU' | 'CN', value: string])[];

const nameTypes = { C: '2.5.4.6', O: '2.5.4.10', OU: '2.5.4.11', CN: '2.5.4.3' } as const;

export function writeName(parts: NameParts): Buffer {
  return sequence(...parts.map(([type, value]) => set(sequence(oid(nameTypes[type]), utf8(value)))));
}

type IssueHash = 'sha256' | 'sha384';

function algorithmOf(key: KeyObject): { readonly hash: IssueHash; readonly identifier: Buffer } {
  const facts = describeKey(key);
  if (facts.kind === 'rsa') return { hash: 'sha256', identifier: sequence(oid('1.2.840.113549.1.1.11'), nil) };
  return facts.title === 'EC P-384'
    ? { hash: 'sha384', identifier: sequence(oid('1.2.840.10045.4.3.3')) }
    : { hash: 'sha256', identifier: sequence(oid('1.2.840.10045.4.3.2')) };
}

function signed(body: Buffer, key: KeyObject): Buffer {
  const { hash, identifier } = algorithmOf(key);
  return sequence(body, identifier, bitString(sign(hash, body, key)));
}

/** Bits of KeyUsage by their number in RFC 5280 §4.2.1.3. */
export const keyUsageBits = { digitalSignature: 0, nonRepudiation: 1, keyCertSign: 5, cRLSign: 6 } as const;
export type KeyUsage = keyof typeof keyUsageBits;

export interface NewExtension {
  readonly id: string;
  readonly critical: boolean;
  readonly value: Buffer;
}

export function keyUsageExtension(usages: readonly KeyUsage[]): NewExtension {
  let bits = 0;
  for (const usage of usages) bits |= 0x80 >> keyUsageBits[usage];
  let unused = 0;
  while (unused < 7 && ((bits >> unused) & 1) === 0) unused += 1;
  return { id: '2.5.29.15', critical: true, value: bitString(Buffer.from([bits]), unused) };
}

export function basicConstraintsExtension(authority: boolean, pathLength?: number): NewExtension {
  const parts = authority ? [truth, ...(pathLength === undefined ? [] : [integer(Buffer.from([pathLength]))])] : [];
  return { id: '2.5.29.19', critical: true, value: sequence(...parts) };
}

export function emailExtension(email: string): NewExtension {
  return { id: '2.5.29.17', critical: false, value: sequence(der(0x81, Buffer.from(email, 'latin1'))) };
}

export function extendedKeyUsageExtension(ids: readonly string[], critical = false): NewExtension {
  return { id: '2.5.29.37', critical, value: sequence(...ids.map(oid)) };
}

function writeExtensions(list: readonly NewExtension[]): Buffer {
  return sequence(
    ...list.map(({ id, critical, value }) => sequence(oid(id), ...(critical ? [truth] : []), octets(value))),
  );
}

const publicDer = (key: KeyObject): Buffer =>
  (key.type === 'public' ? key : createPublicKey(key)).export({ type: 'spki', format: 'der' });

/** RFC 5280 §4.2.1.2, method 1: the SHA-1 of the public key's bits. */
function keyIdentifier(key: KeyObject): Buffer {
  const bits = derChild(derChildren(readDer(publicDer(key))), 1).content;
  return createHash('sha1').update(bits.subarray(1)).digest();
}

function identifierExtensions(key: KeyObject, issuerKey: KeyObject): NewExtension[] {
  return [
    { id: '2.5.29.14', critical: false, value: octets(keyIdentifier(key)) },
    { id: '2.5.29.35', critical: false, value: sequence(der(0x80, keyIdentifier(issuerKey))) },
  ];
}

export interface NewCertificateFields {
  readonly subject: NameParts;
  /** The key that the certificate is for; its public half is what is used. */
  readonly key: KeyObject;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly extensions: readonly NewExtension[];
  /** Who signs; the certificate's own key and name where this is left out. */
  readonly issuer?: { readonly name: NameParts; readonly key: KeyObject };
  readonly serial?: Uint8Array;
}

/** A certificate, DER inside Node's own object. */
export function issueCertificate(fields: NewCertificateFields): X509Certificate {
  const issuer = fields.issuer ?? { name: fields.subject, key: fields.key };
  const body = sequence(
    der(0xa0, integer(Buffer.from([2]))),
    integer(fields.serial ?? Buffer.concat([Buffer.from([0x40]), randomBytes(15)])),
    algorithmOf(issuer.key).identifier,
    writeName(issuer.name),
    sequence(time(fields.notBefore), time(fields.notAfter)),
    writeName(fields.subject),
    publicDer(fields.key),
    der(0xa3, writeExtensions([...fields.extensions, ...identifierExtensions(fields.key, issuer.key)])),
  );
  return new X509Certificate(signed(body, issuer.key));
}

/** Base64 in PEM armour. */
export function toPem(label: string, bytes: Uint8Array): string {
  const lines =
    Buffer.from(bytes)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

/** A request for a certificate with these extensions, PEM. */
export function issueRequest(subject: NameParts, key: KeyObject, extensions: readonly NewExtension[]): string {
  const wanted = sequence(oid('1.2.840.113549.1.9.14'), set(writeExtensions(extensions)));
  const body = sequence(integer(Buffer.from([0])), writeName(subject), publicDer(key), der(0xa0, wanted));
  return toPem('CERTIFICATE REQUEST', signed(body, key));
}

export interface NewRevocationList {
  readonly issuer: { readonly name: NameParts; readonly key: KeyObject };
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  /** Serial numbers, hex, with the time of revocation. */
  readonly revoked: readonly { readonly serial: string; readonly at: Date }[];
}

const evenHex = (serial: string): string => (serial.length % 2 === 0 ? serial : `0${serial}`);

/** A revocation list (RFC 5280 §5), PEM. */
export function issueRevocationList(list: NewRevocationList): string {
  const body = sequence(
    integer(Buffer.from([1])),
    algorithmOf(list.issuer.key).identifier,
    writeName(list.issuer.name),
    time(list.thisUpdate),
    time(list.nextUpdate),
    ...(list.revoked.length === 0
      ? []
      : [
          sequence(
            ...list.revoked.map(({ serial, at }) => sequence(integer(Buffer.from(evenHex(serial), 'hex')), time(at))),
          ),
        ]),
    der(
      0xa0,
      writeExtensions([
        { id: '2.5.29.20', critical: false, value: integer(Buffer.from([1])) },
        { id: '2.5.29.35', critical: false, value: sequence(der(0x80, keyIdentifier(list.issuer.key))) },
      ]),
    ),
  );
  return toPem('X509 CRL', signed(body, list.issuer.key));
}
