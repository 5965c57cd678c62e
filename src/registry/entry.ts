// An entry as the registry hands it out: its key, its standing today, and what its signed document says.
import { type ImageMetadata } from '../metadata/model.ts';
import { type SignerDescription, type Step } from '../trust/report.ts';

/** One endorsement of one image by one person at one moment (design/metadata.md §1). */
export interface EntryKey {
  readonly identifier: string;
  readonly email: string;
  /** `YYYY-MM-DDThh:mm:ssZ`. */
  readonly created: string;
}

/**
 * `replaced`: a newer entry of the same (identifier, email) is there; it comes before all others. `withdrawn`: with this
 * entry its endorser takes the earlier ones back; `deprecated`: it only advises against the image.
 */
export type Standing = 'valid' | 'expired' | 'deprecated' | 'withdrawn' | 'replaced';

export interface RegistryEntry {
  /** Index of its leaf in the log, from 0. Entries that came later have greater ids. */
  readonly id: number;
  readonly key: EntryKey;
  readonly standing: Standing;
  readonly acceptedAt: string;
  /** SHA-256 of the signed document, hex. */
  readonly sha256: string;
  readonly metadata: ImageMetadata;
  readonly signer: SignerDescription;
  /** What was checked when it was accepted. */
  readonly steps: readonly Step[];
  /** Signed under the legacy profile. */
  readonly weak: boolean;
}

/** `YYYY-MM-DDThh:mm:ssZ`, whole seconds, as the documents write times: they compare as text. */
export function timeText(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}
