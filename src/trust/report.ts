// What the check of one signed document says: every step that was taken, and either its content or all that is wrong.
import { type ImageMetadata } from '../metadata/model.ts';

/** One thing that is wrong with a document. */
export interface Failure {
  /** Stable code of the rule, such as `identifier-mismatch`; docs/metadata-rules.md lists them. */
  readonly code: string;
  /** The element it was found at, such as `slreq:bytes`. */
  readonly element?: string;
  /** Line in the document, from 1. */
  readonly line?: number;
  /** A sentence that says what is wrong and what to do. */
  readonly message: string;
}

/** One check, in the order in which it was made. */
export interface Step {
  /** Stable name, such as `signature-value`. */
  readonly code: string;
  /** For people: "the signature covers the whole document". */
  readonly title: string;
  /** `weak`: it holds, but by a standard that is no longer safe. `skipped`: the settings do not ask for it. */
  readonly outcome: 'passed' | 'weak' | 'failed' | 'skipped';
}

/** Who signed, as the certificate says. */
export interface SignerDescription {
  /** RFC 2253. */
  readonly subject: string;
  readonly issuer: string;
  /** From the rfc822 subject alternative name. */
  readonly email?: string;
  /** SHA-256 of the DER, hex. */
  readonly fingerprint: string;
  readonly serialNumber: string;
  readonly notBefore: string;
  readonly notAfter: string;
  /** Such as `RSA-SHA256`, `ECDSA-P256-SHA256`. */
  readonly algorithm: string;
  /** Such as `RSA 3072`, `EC P-256`. */
  readonly key: string;
  /** PEM, leaf first. */
  readonly chain: readonly string[];
}

export type DocumentReport =
  | {
      readonly valid: true;
      readonly steps: readonly Step[];
      readonly failures: readonly [];
      /** Parsed from the bytes that were signed, and from no others. */
      readonly metadata: ImageMetadata;
      readonly signer: SignerDescription;
      /** Signed under the legacy profile. */
      readonly weak: boolean;
    }
  | { readonly valid: false; readonly steps: readonly Step[]; readonly failures: readonly Failure[] };

/** Checks one signed document, as the site's trust settings say. */
export type VerifyDocument = (document: Uint8Array) => Promise<DocumentReport>;
