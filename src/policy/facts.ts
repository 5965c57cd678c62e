// What a policy judges: an entry that verified, as the registry or a fresh check of its document describes it.
import { type ImageMetadata } from '../metadata/model.ts';

export interface EntryFacts {
  readonly metadata: ImageMetadata;
  /** From the certificate. */
  readonly signer: {
    readonly subject: string;
    readonly issuer: string;
    /** SHA-256 of the certificate, hex. */
    readonly fingerprint: string;
    readonly algorithm: string;
    /** Such as `RSA 3072`, `EC P-256`. */
    readonly key: string;
  };
  /** Signed under the legacy profile. */
  readonly weak: boolean;
}
