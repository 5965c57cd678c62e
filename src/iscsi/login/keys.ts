// Operational parameters and how each is negotiated (RFC 7143 §13).
import { type TargetLimits } from '../limits.ts';
import { TextError } from './text.ts';

/** What a session runs by. Lengths are in bytes. */
export interface SessionParameters {
  headerDigest: boolean;
  dataDigest: boolean;
  initialR2T: boolean;
  immediateData: boolean;
  maxBurstLength: number;
  firstBurstLength: number;
  maxOutstandingR2T: number;
  /** Longest data segment that the initiator takes. */
  sendSegment: number;
}

/** RFC 7143 §13: the values of keys that nobody names. */
export function defaultParameters(): SessionParameters {
  return {
    headerDigest: false,
    dataDigest: false,
    initialR2T: true,
    immediateData: true,
    maxBurstLength: 262_144,
    firstBurstLength: 65_536,
    maxOutstandingR2T: 1,
    sendSegment: 8192,
  };
}

type Negotiate = (offer: string, into: SessionParameters, limits: TargetLimits) => string | undefined;

const longestSegment = 0xff_ffff;

function number(offer: string, low: number, high: number): number {
  if (!/^(0[xX][0-9a-fA-F]{1,8}|\d{1,10})$/.test(offer)) throw new TextError('not a number');
  const value = Number(offer);
  if (value < low || value > high) throw new TextError(`a number that is not from ${low} to ${high}`);
  return value;
}

function boolean(offer: string): boolean {
  if (offer !== 'Yes' && offer !== 'No') throw new TextError('neither Yes nor No');
  return offer === 'Yes';
}

/** The first value of the initiator's list that we know (RFC 7143 §6.2.1). */
function choice(offer: string, known: readonly string[]): string {
  return offer.split(',').find((value) => known.includes(value)) ?? 'Reject';
}

const digest =
  (field: 'headerDigest' | 'dataDigest'): Negotiate =>
  (offer, into) => {
    const chosen = choice(offer, ['CRC32C', 'None']);
    into[field] = chosen === 'CRC32C';
    return chosen;
  };

const yesNo = (flag: boolean): string => (flag ? 'Yes' : 'No');

/** How each key is answered; `undefined` where it is a declaration that needs no answer. */
const negotiations: Readonly<Record<string, Negotiate>> = {
  HeaderDigest: digest('headerDigest'),
  DataDigest: digest('dataDigest'),
  MaxConnections: (offer) => String(Math.min(number(offer, 1, 65_535), 1)),
  InitialR2T: (offer, into) => {
    into.initialR2T = boolean(offer);
    return yesNo(into.initialR2T);
  },
  ImmediateData: (offer, into) => {
    into.immediateData = boolean(offer);
    return yesNo(into.immediateData);
  },
  MaxRecvDataSegmentLength: (offer, into) => {
    into.sendSegment = Math.min(number(offer, 512, longestSegment), 1024 * 1024);
    return undefined;
  },
  MaxBurstLength: (offer, into, limits) => {
    into.maxBurstLength = Math.min(number(offer, 512, longestSegment), limits.maxBurst);
    return String(into.maxBurstLength);
  },
  FirstBurstLength: (offer, into, limits) => {
    into.firstBurstLength = Math.min(number(offer, 512, longestSegment), limits.firstBurst);
    return String(into.firstBurstLength);
  },
  DefaultTime2Wait: (offer) => String(Math.max(number(offer, 0, 3600), 2)),
  DefaultTime2Retain: (offer) => String(Math.min(number(offer, 0, 3600), 0)),
  MaxOutstandingR2T: (offer, into) => {
    into.maxOutstandingR2T = Math.min(number(offer, 1, 65_535), 8);
    return String(into.maxOutstandingR2T);
  },
  DataPDUInOrder: (offer) => yesNo(boolean(offer) || true),
  DataSequenceInOrder: (offer) => yesNo(boolean(offer) || true),
  ErrorRecoveryLevel: (offer) => String(Math.min(number(offer, 0, 2), 0)),
  TaskReporting: (offer) => choice(offer, ['RFC3720', 'ResponseFence']),
  iSCSIProtocolLevel: (offer) => String(Math.min(number(offer, 0, 31), 1)),
  // Obsolete since RFC 7143 §13.25, which says how to answer them all the same.
  IFMarker: () => 'No',
  OFMarker: () => 'No',
  IFMarkInt: () => 'Reject',
  OFMarkInt: () => 'Reject',
  InitiatorAlias: () => undefined,
};

/** Keys that only a login's first stage or its first request may carry; elsewhere they are none of ours. */
export const namingKeys = ['InitiatorName', 'TargetName', 'SessionType', 'AuthMethod'] as const;

/**
 * Answers one key of the operational stage.
 * @returns the value to answer with, or undefined where none is due.
 * @throws {TextError} where the offer is not a value of the key.
 */
export function negotiate(
  key: string,
  offer: string,
  into: SessionParameters,
  limits: TargetLimits,
): string | undefined {
  const negotiation = negotiations[key];
  return negotiation === undefined ? 'NotUnderstood' : negotiation(offer, into, limits);
}
