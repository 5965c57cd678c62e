// Certificate revocation lists (RFC 5280 §5): reading them, and what they say of one certificate at one time.
import { verify } from 'node:crypto';
import { readExtensions, type Certificate } from '../signature/certificate.ts';
import { DerError, derChild, derChildren, derIntegerHex, derOid, derTags, derTime, readDer } from '../signature/der.ts';

export interface RevocationList {
  readonly der: Uint8Array;
  readonly issuerDer: Uint8Array;
  readonly thisUpdate: Date;
  /** Absent in lists that never say when the next will come; such a list is never current. */
  readonly nextUpdate: Date | undefined;
  /** Serial number in hex, to the time of revocation. */
  readonly revoked: ReadonlyMap<string, Date>;
  readonly signedBytes: Uint8Array;
  readonly signature: Uint8Array;
  /** Hash of the signature, or undefined where its algorithm is not accepted. */
  readonly hash: string | undefined;
}

const signatureHashes: Readonly<Record<string, string>> = {
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
};

/** Reads one list, DER. Throws an Error where it is none, or has a critical extension that is not understood. */
export function readRevocationList(bytes: Uint8Array): RevocationList {
  const [body, , signature] = derChildren(readDer(bytes));
  if (!body || !signature) throw new DerError('this is no revocation list');
  const parts = derChildren(body);
  const offset = parts[0]?.tag === derTags.integer ? 1 : 0;
  const isTime = (place: number): boolean =>
    parts[place]?.tag === derTags.utcTime || parts[place]?.tag === derTags.generalizedTime;
  const next = isTime(offset + 3) ? derTime(derChild(parts, offset + 3)) : undefined;
  const listPlace = offset + (next ? 4 : 3);
  const entries = parts[listPlace]?.tag === derTags.sequence ? derChildren(derChild(parts, listPlace)) : [];
  const revoked = new Map<string, Date>();
  for (const entry of entries) {
    const fields = derChildren(entry);
    if (fields[2] && [...readExtensions(fields[2]).values()].some((extension) => extension.critical)) {
      throw new DerError('an entry has a critical extension that is not understood');
    }
    revoked.set(derIntegerHex(derChild(fields, 0, derTags.integer)), derTime(derChild(fields, 1)));
  }
  const wrapped = parts.find((part) => part.tag === 0xa0);
  if (wrapped && [...readExtensions(readDer(wrapped.content)).values()].some((extension) => extension.critical)) {
    throw new DerError('it has a critical extension that is not understood, such as a delta list');
  }
  return {
    der: Uint8Array.from(bytes),
    issuerDer: derChild(parts, offset + 1, derTags.sequence).whole,
    thisUpdate: derTime(derChild(parts, offset + 2)),
    nextUpdate: next,
    revoked,
    signedBytes: body.whole,
    signature: signature.content.subarray(1),
    hash: signatureHashes[derOid(derChild(derChildren(derChild(parts, offset, derTags.sequence)), 0, derTags.oid))],
  };
}

/** All lists of a file, PEM or DER. */
export function readRevocationLists(file: Uint8Array): RevocationList[] {
  const text = Buffer.from(file).toString('latin1');
  const blocks = text.match(/-----BEGIN X509 CRL-----[^-]+-----END X509 CRL-----/g);
  if (!blocks) return [readRevocationList(file)];
  return blocks.map((block) => readRevocationList(Buffer.from(block.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64')));
}

export type RevocationState = 'good' | 'revoked' | 'stale' | 'unknown';

/** Bit 6 of KeyUsage. */
export const cRLSignBit = 6;

/**
 * What the lists say of a certificate. Lists are judged at `now`, certificates at `time`, the time of the endorsement:
 * what was signed before a revocation stays good, unless the list gives an earlier time.
 */
export function revocationState(
  certificate: Certificate,
  issuer: Certificate,
  lists: readonly RevocationList[],
  when: { readonly now: Date; readonly time: Date },
  issuerMaySign: boolean,
): RevocationState {
  const own = lists.filter(
    (list) =>
      issuerMaySign &&
      list.hash !== undefined &&
      Buffer.compare(list.issuerDer, issuer.subjectDer) === 0 &&
      verify(list.hash, list.signedBytes, issuer.publicKey, list.signature),
  );
  if (own.length === 0) return 'unknown';
  const revokedAt = own.map((list) => list.revoked.get(certificate.serial)).filter((at) => at !== undefined);
  if (revokedAt.some((at) => at <= when.time)) return 'revoked';
  const current = own.some((list) => list.thisUpdate <= when.now && list.nextUpdate && list.nextUpdate >= when.now);
  return current ? 'good' : 'stale';
}
