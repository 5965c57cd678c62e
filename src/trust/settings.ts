// What a site trusts: authorities, pinned endorsers, or e-mail confirmation alone; and how each check is treated.
import { type Certificate } from '../signature/certificate.ts';
import { type RevocationList } from './revocation.ts';

/** How far other clocks may be ahead where the settings say nothing, in seconds. */
export const defaultSkewSeconds = 300;

/** `log` reports what is wrong as a warning; `skip` does not look. */
export type CheckLevel = 'enforce' | 'log' | 'skip';

/** The checks of who signed. Structure, signature and rules are always enforced. */
export const trustChecks = [
  'endorser',
  'certificate-time',
  'certificate-usage',
  'chain',
  'revocation',
  'revocation-list',
] as const;
export type TrustCheck = (typeof trustChecks)[number];
export type CheckLevels = Readonly<Record<TrustCheck, CheckLevel>>;

export const trustLevels = ['strict', 'permissive', 'audit'] as const;
export type TrustLevel = (typeof trustLevels)[number];

/**
 * `strict` asks for a current revocation list of every authority, `permissive` only heeds those it has; `audit` reports
 * all that is wrong with who signed and refuses nothing for it.
 */
export const levelPresets: Readonly<Record<TrustLevel, CheckLevels>> = {
  strict: {
    'endorser': 'enforce',
    'certificate-time': 'enforce',
    'certificate-usage': 'enforce',
    'chain': 'enforce',
    'revocation': 'enforce',
    'revocation-list': 'enforce',
  },
  permissive: {
    'endorser': 'enforce',
    'certificate-time': 'enforce',
    'certificate-usage': 'enforce',
    'chain': 'enforce',
    'revocation': 'enforce',
    'revocation-list': 'log',
  },
  audit: {
    'endorser': 'log',
    'certificate-time': 'log',
    'certificate-usage': 'log',
    'chain': 'log',
    'revocation': 'log',
    'revocation-list': 'log',
  },
};

export interface TrustSettings {
  /** Roots, and authorities between them and endorsers. */
  readonly authorities?: readonly Certificate[];
  readonly revocationLists?: readonly RevocationList[];
  /** SHA-256 fingerprints of endorsers' certificates, hex; colons and case do not count. */
  readonly pinned?: readonly string[];
  /** Take any certificate signed by itself: who holds the address is for e-mail confirmation to prove. */
  readonly acceptSelfSigned?: boolean;
  /** Take any certificate at all: what signed is shown, but not judged. For looking at documents. */
  readonly acceptUnknown?: boolean;
  /** Take the old software's RSA-SHA1 documents, marked as weak. */
  readonly allowLegacy?: boolean;
  /** `permissive` where it is left out. */
  readonly level?: TrustLevel;
  /** Single checks that are treated differently than the level says. */
  readonly levels?: Partial<CheckLevels>;
  readonly now?: () => Date;
  /** How far other clocks may be ahead, in seconds. */
  readonly skewSeconds?: number;
}
