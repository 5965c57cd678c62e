// What the verifier pool and its threads say to each other: settings once, then documents and reports.
import { readCertificate } from '../signature/certificate.ts';
import { type DocumentReport } from './report.ts';
import { type TrustSettings } from './settings.ts';

/** Settings as they can be sent to a thread: certificates as DER, no clock. */
export interface SentSettings {
  readonly rest: Omit<TrustSettings, 'authorities' | 'now'>;
  readonly authorities: readonly Uint8Array[];
}

export interface VerifyOrder {
  readonly document: Uint8Array;
  /** The time to judge at, in milliseconds since 1970. */
  readonly now: number;
}

/** `ready` comes once, when a new thread has loaded what it needs. */
export type VerifyReply = { readonly ready: true } | { readonly report: DocumentReport } | { readonly error: string };

export function packSettings(settings: TrustSettings): SentSettings {
  const { authorities = [], now: _clock, ...rest } = settings;
  return { rest, authorities: authorities.map((certificate) => certificate.x509.raw) };
}

export function unpackSettings(sent: SentSettings): Omit<TrustSettings, 'now'> {
  return { ...sent.rest, authorities: sent.authorities.map((bytes) => readCertificate(bytes)) };
}
