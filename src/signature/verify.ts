// The cryptography of one signature that passed the gate: what was signed, byte for byte, and by which key.
import { createHash, timingSafeEqual, verify } from 'node:crypto';
import { type StrictDocument } from '../xml/document.ts';
import { readPlain } from '../xml/read-plain.ts';
import { type XmlChild, type XmlElement } from '../xml/tree.ts';
import { writeCanonical } from '../xml/write-canonical.ts';
import { type SignatureFacts } from './gate.ts';
import { type GateFinding } from './shape.ts';

export interface SignedContent {
  /**
   * The document without its signature, and the only part to read. Where nothing was found, its canonical form is the
   * octets that were digested, to the last one.
   */
  readonly root: XmlElement;
  readonly findings: readonly GateFinding[];
}

/**
 * Takes the signature out of the document and checks digest and signature value (XML-Signature §3.2). The canonical
 * form is made twice, by libxml2 from its own tree and by this project's writer from the tree that is handed on; they
 * must agree to the octet (design/metadata.md §4, 5). So what is read is what was signed.
 */
export function checkSignature(document: StrictDocument, facts: SignatureFacts): SignedContent {
  const { signature, signedInfo, method, digest, certificate } = facts;
  const findings: GateFinding[] = [];
  const ours = Buffer.from(writeCanonical(document.root, facts.documentForm, signature));
  const theirs = document.canonical(facts.documentForm, 'last-element');
  const agreed = theirs !== undefined && ours.equals(theirs);
  if (!agreed) {
    findings.push({
      code: 'canonical-mismatch',
      at: document.root,
      message: 'Two canonicalizers read this document differently, so it is not safe to read; sign a plainer one.',
    });
  }
  if (
    !timingSafeEqual(
      createHash(digest.hash)
        .update(theirs ?? ours)
        .digest(),
      padded(facts.digestValue, digest.bytes),
    )
  ) {
    findings.push({
      code: 'digest-mismatch',
      at: document.root,
      message: 'The document was changed after it was signed; get the original, or have it signed again.',
    });
  }
  const signed = Buffer.from(writeCanonical(signedInfo, facts.signedInfoForm));
  const key =
    method.key === 'ec' ? { key: certificate.publicKey, dsaEncoding: 'ieee-p1363' as const } : certificate.publicKey;
  if (!verify(method.hash, signed, key, facts.value)) {
    findings.push({
      code: 'signature-mismatch',
      at: signature,
      message: "The signature was not made with this certificate's key, or its SignedInfo was changed; sign again.",
    });
  }
  // Where they do not agree, what was digested is read again, so that nothing else is ever looked at.
  const root = agreed || !theirs ? without(document.root, signature) : readPlain(theirs.toString());
  return { root, findings };
}

function without(root: XmlElement, signature: XmlElement): XmlElement {
  const others = (child: XmlChild): boolean => child !== signature;
  return { ...root, children: root.children.filter(others), elements: root.elements.filter(others) };
}

function padded(value: Buffer, bytes: number): Buffer {
  return value.byteLength === bytes ? value : Buffer.alloc(bytes);
}
