// Makes the cryptography of a changed document right again, as an attacker with some key could.
import { createHash, sign, type KeyObject } from 'node:crypto';
import { readPlain } from '../../src/xml/read-plain.ts';
import { elementsOf, type XmlElement } from '../../src/xml/tree.ts';
import { writeCanonical, type CanonicalForm } from '../../src/xml/write-canonical.ts';
import { readStrict } from '../../src/xml/document.ts';
import { documentLimits } from '../../src/xml/limits.ts';

export interface Seal {
  readonly key: KeyObject;
  /** Of the digest and of the signature. */
  readonly hash?: 'sha1' | 'sha256';
  /** How the document and SignedInfo are canonicalized. */
  readonly form?: CanonicalForm;
  /** Changes the digest or the signature after it was made. */
  readonly digest?: (digest: string) => string;
}

const find = (root: XmlElement, name: string): XmlElement | undefined =>
  elementsOf(root).findLast((element) => element.term === name);

function rootOf(text: string): XmlElement {
  const { document } = readStrict(Buffer.from(text), { ...documentLimits, elements: 100_000 });
  if (!document) return readPlain(text.replace(/^<\?xml[^>]*\?>\s*/, '').trim());
  try {
    return document.root;
  } finally {
    document[Symbol.dispose]();
  }
}

/** Puts a new digest and a new signature value into the document, whatever else is wrong with it. */
export function reseal(text: string, seal: Seal): string {
  const { hash = 'sha256', form = { exclusive: true, comments: false } } = seal;
  const root = rootOf(text);
  const content = writeCanonical(root, { ...form, comments: false }, find(root, 'ds:Signature'));
  const digest = createHash(hash).update(content).digest('base64');
  const digested = text.replace(
    /<DigestValue>[\s\S]*?<\/DigestValue>/,
    `<DigestValue>${seal.digest?.(digest) ?? digest}</DigestValue>`,
  );
  const signedInfo = find(rootOf(digested), 'ds:SignedInfo');
  if (!signedInfo) return digested;
  const options = seal.key.asymmetricKeyType === 'ec' ? { dsaEncoding: 'ieee-p1363' as const } : {};
  const value = sign(hash, Buffer.from(writeCanonical(signedInfo, form)), { key: seal.key, ...options });
  return digested.replace(
    /<SignatureValue>[\s\S]*?<\/SignatureValue>/,
    `<SignatureValue>${value.toString('base64')}</SignatureValue>`,
  );
}
