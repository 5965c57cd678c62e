// Signing keys with their certificates, from PKCS#12 or PEM, whatever tool wrote them.
import { createPrivateKey, type KeyObject } from 'node:crypto';
import forge from 'node-forge';
import { Fault } from '../errors/fault.ts';
import { describeKey, methodFor } from './algorithms.ts';
import { isIssuedBy, readCertificate, readPemCertificates, type Certificate } from './certificate.ts';

/** Who signs: the private key and its certificate, with the chain above it as far as it is known. */
export interface Signer {
  readonly privateKey: KeyObject;
  readonly certificate: Certificate;
  readonly chain: readonly Certificate[];
}

/** Puts a key and certificates in any order together. Throws a `Fault` (signature.key-unusable) where they do not fit. */
export function assembleSigner(privateKey: KeyObject, certificates: readonly Certificate[]): Signer {
  const key = describeKey(privateKey);
  if (!methodFor(key))
    throw new Fault('signature.key-unusable', `A key of the type ${key.title} cannot sign metadata.`);
  const certificate = certificates.find((item) => item.x509.checkPrivateKey(privateKey));
  if (!certificate) {
    throw new Fault('signature.key-unusable', 'None of the certificates belongs to the private key.');
  }
  const chain: Certificate[] = [];
  for (let last = certificate; !isIssuedBy(last, last);) {
    const issuer = certificates.find((item) => item !== certificate && !chain.includes(item) && isIssuedBy(last, item));
    if (!issuer) break;
    chain.push(issuer);
    last = issuer;
  }
  return { privateKey, certificate, chain };
}

function openKey(key: string | Buffer, format: 'pem' | 'der', passphrase: string | undefined): KeyObject {
  try {
    return format === 'der'
      ? createPrivateKey({ key: Buffer.from(key), format: 'der', type: 'pkcs8' })
      : createPrivateKey({ key, format: 'pem', ...(passphrase === undefined ? {} : { passphrase }) });
  } catch (error) {
    throw new Fault('signature.passphrase', 'The private key cannot be opened with this passphrase.', { cause: error });
  }
}

/** The signer of a PEM key (PKCS#8, PKCS#1 or SEC 1, encrypted or not) and of PEM certificates, in any order. */
export function signerFromPem(keyPem: string, certificatesPem: string, passphrase?: string): Signer {
  const block = /-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----[\s\S]+?-----END (?:[A-Z0-9]+ )*PRIVATE KEY-----/.exec(
    keyPem,
  );
  if (!block) throw new Fault('signature.key-unusable', 'The key file holds no PEM private key.');
  return assembleSigner(openKey(block[0], 'pem', passphrase), readPemCertificates(certificatesPem));
}

/** Whether a PEM text needs a passphrase before its key can be used. */
export function isEncryptedPem(keyPem: string): boolean {
  return /-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(keyPem);
}

const derOf = (node: forge.asn1.Asn1): Buffer => Buffer.from(forge.asn1.toDer(node).getBytes(), 'binary');

/** The signer in a PKCS#12 file (RFC 7292): its one key, and the certificates beside it. */
export function signerFromPkcs12(file: Uint8Array, passphrase: string): Signer {
  let opened: forge.pkcs12.Pkcs12Pfx;
  try {
    const structure = forge.asn1.fromDer(forge.util.createBuffer(Buffer.from(file).toString('binary')));
    opened = forge.pkcs12.pkcs12FromAsn1(structure, false, passphrase);
  } catch (error) {
    throw new Fault('signature.passphrase', 'The PKCS#12 file cannot be opened with this passphrase.', {
      cause: error,
    });
  }
  const { keyBag, pkcs8ShroudedKeyBag, certBag } = forge.pki.oids;
  const bagsOf = (type: string | undefined): forge.pkcs12.Bag[] =>
    type === undefined ? [] : (opened.getBags({ bagType: type })[type] ?? []);
  const [key, ...more] = [...bagsOf(pkcs8ShroudedKeyBag), ...bagsOf(keyBag)];
  if (!key || more.length > 0) throw new Fault('signature.key-unusable', 'The PKCS#12 file must hold exactly one key.');
  // The library keeps as ASN.1 what it cannot read itself, such as EC keys and their certificates.
  const keyNode = key.key ? forge.pki.wrapRsaPrivateKey(forge.pki.privateKeyToAsn1(key.key)) : key.asn1;
  const certificates = bagsOf(certBag).map((bag) =>
    readCertificate(derOf(bag.cert ? forge.pki.certificateToAsn1(bag.cert) : bag.asn1)),
  );
  return assembleSigner(openKey(derOf(keyNode), 'der', undefined), certificates);
}
