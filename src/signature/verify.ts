// The cryptography of one signature that passed the gate: what was signed, byte for byte, and by which key.
import { createHash, timingSafeEqual, verify } from 'node:crypto';
import { type StrictDocument } from '../xml/document.ts';
import { writeCanonical } from '../xml/write-canonical.ts';
import { type GateFinding, type SignatureFacts } from './gate.ts';

export interface SignedContent {
  /** Canonical form of the document without its signature: the bytes that were digested, and the only ones to read. */
  readonly text: string;
  readonly findings: readonly GateFinding[];
}

/**
 * Takes the signature out of the document and checks digest and signature value (XML-Signature §3.2). The canonical
 * form is made twice, by libxml2 and by this project's writer; they must agree to the byte (design/metadata.md §4, 5).
 */
export function checkSignature(document: StrictDocument, facts: SignatureFacts): SignedContent {
  const { signature, signedInfo, method, digest, certificate } = facts;
  const findings: GateFinding[] = [];
  const ours = writeCanonical(document.root, facts.documentForm, signature);
  const text = document.canonical(facts.documentForm, 'last-element');
  if (ours !== text) {
    findings.push({
      code: 'canonical-mismatch',
      at: document.root,
      message: 'Two canonicalizers read this document differently, so it is not safe to read; sign a plainer one.',
    });
  }
  if (!timingSafeEqual(createHash(digest.hash).update(text).digest(), padded(facts.digestValue, digest.bytes))) {
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
  return { text, findings };
}

function padded(value: Buffer, bytes: number): Buffer {
  return value.byteLength === bytes ? value : Buffer.alloc(bytes);
}
