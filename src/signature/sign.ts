// Signs a document: fills in who endorses it and when, drops earlier signatures, and adds one that covers all of it.
import { createHash, sign } from 'node:crypto';
import { Fault } from '../errors/fault.ts';
import { endorsementLines } from '../metadata/build.ts';
import { withChildren, withoutElements } from '../metadata/edit.ts';
import { formatTimestamp, isEmail } from '../metadata/values.ts';
import { namespaces } from '../xml/namespaces.ts';
import { readStrict } from '../xml/document.ts';
import { readPlain } from '../xml/read-plain.ts';
import { type XmlChild, type XmlElement } from '../xml/tree.ts';
import { writeCanonical } from '../xml/write-canonical.ts';
import { envelopedTransform, exclusiveForm, methodFor } from './algorithms.ts';
import { type Certificate } from './certificate.ts';
import { type Signer } from './keys.ts';

const form = { exclusive: true, comments: false };

function endorsementElement(signer: Signer, email: string, created: Date): XmlElement {
  const { certificate, chain } = signer;
  const lines = endorsementLines({
    created: formatTimestamp(created),
    endorser: {
      email,
      subject: certificate.subjectText,
      issuers: [...new Set([certificate, ...chain].map((item: Certificate) => item.issuerText))],
    },
  });
  const declarations = (['dcterms', 'rdf', 'slreq'] as const)
    .map((prefix) => ` xmlns:${prefix}="${namespaces[prefix]}"`)
    .join('');
  return readPlain(lines.join('\n').trim().replace('<slreq:endorsement', `<slreq:endorsement${declarations}`));
}

/** Puts the endorsement where the first one was, or behind the last checksum, and takes all others out. */
function endorse(root: XmlElement, endorsement: XmlElement): XmlElement {
  const description = root.elements.find((child) => child.term === 'rdf:Description');
  if (!description) throw new Fault('metadata.invalid', 'The document has no rdf:Description to endorse.');
  const old = description.elements.filter((child) => child.term === 'slreq:endorsement');
  const anchor = old[0] ?? description.elements.findLast((child) => child.term === 'slreq:checksum');
  const kept = withoutElements(description.children, (element) => old.slice(1).includes(element));
  const changed = withChildren(
    description,
    kept.flatMap((child): XmlChild[] => {
      if (child !== anchor) return [child];
      return old.length > 0 ? [endorsement] : [child, '\n    ', endorsement];
    }),
  );
  const unsigned = withoutElements(root.children, (element) => element.term === 'ds:Signature');
  return withChildren(
    root,
    unsigned.map((child) => (child === description ? changed : child)),
  );
}

function wrap(base64: string): string {
  return (base64.match(/.{1,76}/g) ?? []).join('\n');
}

export interface SignOptions {
  /** What `dcterms:created` of the endorsement says. */
  readonly created: Date;
  /** Used where the certificate has no e-mail address of its own. */
  readonly email?: string;
}

/**
 * Signs a document that may be unsigned, signed, or have an empty endorsement. The result is a whole document, UTF-8.
 * It is not judged here: a document that breaks a rule is signed as it is.
 *
 * Throws a `Fault`: metadata.invalid where it is not well-formed, signature.key-unusable where the key cannot sign or
 * no e-mail address is known.
 */
export function signDocument(xml: string | Uint8Array, signer: Signer, options: SignOptions): string {
  const used = methodFor(signer.certificate.key);
  if (!used) throw new Fault('signature.key-unusable', `${signer.certificate.key.title} cannot sign metadata.`);
  const email = signer.certificate.emails[0] ?? options.email;
  if (email === undefined || !isEmail(email)) {
    throw new Fault('signature.key-unusable', 'The certificate names no e-mail address.', {
      action:
        'Use a certificate with an e-mail address as subject alternative name (mintmark metadata keygen), or --email.',
    });
  }
  const { document, failures } = readStrict(typeof xml === 'string' ? Buffer.from(xml) : xml);
  if (!document) throw new Fault('metadata.invalid', failures[0].message, { details: { failures } });
  let root: XmlElement;
  try {
    root = endorse(document.root, endorsementElement(signer, email, options.created));
  } finally {
    document[Symbol.dispose]();
  }
  const unsigned = writeCanonical(root, { exclusive: false, comments: true });
  const digest = createHash(used.digest.hash)
    .update(writeCanonical(readPlain(unsigned), form))
    .digest('base64');
  const certificates = [signer.certificate, ...signer.chain]
    .map((item) => `<X509Certificate>${wrap(item.x509.raw.toString('base64'))}</X509Certificate>`)
    .join('');
  const signedInfo =
    `<SignedInfo xmlns="${namespaces.ds}"><CanonicalizationMethod Algorithm="${exclusiveForm}"></CanonicalizationMethod>` +
    `<SignatureMethod Algorithm="${used.method.uri}"></SignatureMethod><Reference URI=""><Transforms>` +
    `<Transform Algorithm="${envelopedTransform}"></Transform><Transform Algorithm="${exclusiveForm}"></Transform>` +
    `</Transforms><DigestMethod Algorithm="${used.digest.uri}"></DigestMethod><DigestValue>${digest}</DigestValue>` +
    `</Reference></SignedInfo>`;
  // Written in canonical form already, so that these are the bytes to sign.
  const key =
    used.method.key === 'ec' ? { key: signer.privateKey, dsaEncoding: 'ieee-p1363' as const } : signer.privateKey;
  const value = sign(used.method.hash, Buffer.from(signedInfo), key).toString('base64');
  const signature =
    `<Signature xmlns="${namespaces.ds}">${signedInfo.replace(` xmlns="${namespaces.ds}"`, '')}` +
    `<SignatureValue>${wrap(value)}</SignatureValue><KeyInfo><X509Data>${certificates}</X509Data></KeyInfo></Signature>`;
  const end = unsigned.lastIndexOf('</');
  return `<?xml version="1.0" encoding="UTF-8"?>\n${unsigned.slice(0, end)}${signature}${unsigned.slice(end)}\n`;
}
