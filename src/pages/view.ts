// What the pages are made from: plain data, in the shapes in which the registry and the policy hand it out.
import { type ImageMetadata } from '../metadata/model.ts';
import { type Judgement } from '../policy/policy.ts';

/** Of the whole site, on every page. */
export interface SiteView {
  /** Shown in the heading of every page. */
  readonly name: string;
  /** Whether the log of decisions has a page. */
  readonly hasLog?: boolean;
}

/** What the cache has of an image. */
export interface CacheView {
  /** When it was proven, where it is here. */
  readonly proven?: string;
  /** The job that brings it, or repairs it where it is here. */
  readonly pull?: {
    readonly state: string;
    readonly repairs?: boolean;
    readonly provenBytes: number;
    readonly signedBytes: number;
    readonly retryAt?: string;
  };
  /** Why the last attempt failed, and when. */
  readonly failure?: { readonly message: string; readonly failed: string };
  /** Number of the job that can be cancelled, and of the one that can be tried again. */
  readonly cancel?: number;
  readonly retry?: number;
}

export interface KeyView {
  readonly identifier: string;
  readonly email: string;
  readonly created: string;
}

export interface StepView {
  readonly code: string;
  readonly title: string;
  readonly outcome: 'passed' | 'weak' | 'warned' | 'failed' | 'skipped';
}

export interface SignerView {
  readonly subject: string;
  readonly issuer: string;
  readonly email?: string;
  readonly fingerprint: string;
  readonly serialNumber: string;
  readonly notBefore: string;
  readonly notAfter: string;
  readonly algorithm: string;
  readonly key: string;
}

export interface EntryView {
  readonly id: number;
  readonly key: KeyView;
  readonly standing: 'valid' | 'expired' | 'deprecated' | 'withdrawn' | 'replaced';
  readonly acceptedAt: string;
  readonly sha256: string;
  readonly metadata: ImageMetadata;
  readonly signer: SignerView;
  readonly steps: readonly StepView[];
  readonly weak: boolean;
  /** What this site's policy says of it, where it has one. */
  readonly admitted?: boolean;
}

export interface FailureView {
  readonly code: string;
  readonly element?: string;
  readonly line?: number;
  readonly message: string;
}

export interface FacetValueView {
  readonly value: string;
  readonly count: number;
}

export interface EndorserView {
  readonly email: string;
  readonly subject: string;
  readonly issuer: string;
  readonly fingerprint: string;
  readonly firstCreated: string;
  readonly lastCreated: string;
  readonly entries: number;
  readonly images: number;
}

/** The parameters of the list as they stand in the URL, without empty ones, `cursor` and `limit`. */
export type ChosenView = Readonly<Record<string, string>>;

export type JudgementView = Judgement;

/** What a location answered when it was last asked. */
export interface LocationView {
  readonly location: string;
  readonly state: 'good' | 'wrong' | 'unreachable';
  readonly reason?: string | undefined;
  readonly checked: string;
  readonly since: string;
}
