// What the check of one signed document says: every step that was taken, and either its content or all that is wrong.
import { type ImageMetadata } from '../metadata/model.ts';
import { type Failure } from '../xml/failure.ts';

export { type Failure } from '../xml/failure.ts';

/** One check, in the order in which it was made. */
export interface Step {
  /** Stable name, such as `signature-value`. */
  readonly code: string;
  /** For people: "the signature covers the whole document". */
  readonly title: string;
  /**
   * `weak`: it holds, but by a standard that is no longer safe. `warned`: it does not hold, and the settings only report
   * that. `skipped`: it could not be made, or the settings do not ask for it.
   */
  readonly outcome: 'passed' | 'weak' | 'warned' | 'failed' | 'skipped';
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
      /** What was found wrong by checks that the settings only log. */
      readonly warnings?: readonly Failure[];
      /** Parsed from the bytes that were signed, and from no others. */
      readonly metadata: ImageMetadata;
      readonly signer: SignerDescription;
      /** Signed under the legacy profile. */
      readonly weak: boolean;
    }
  | {
      readonly valid: false;
      readonly steps: readonly Step[];
      readonly failures: readonly Failure[];
      readonly warnings?: readonly Failure[];
    };

/** Checks one signed document, as the site's trust settings say. Never rejects for what is in the document. */
export type VerifyDocument = (document: Uint8Array) => Promise<DocumentReport>;
