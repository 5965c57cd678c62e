// A writer for DER (X.690), as far as certificates, requests and revocation lists need it.
import { derTags } from './der.ts';

/** One element: identifier octet, length, contents joined. */
export function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const length = content.byteLength;
  let header: number[] = [tag, length];
  if (length >= 0x1_00_00) header = [tag, 0x83, length >> 16, (length >> 8) & 0xff, length & 0xff];
  else if (length >= 0x1_00) header = [tag, 0x82, length >> 8, length & 0xff];
  else if (length >= 0x80) header = [tag, 0x81, length];
  return Buffer.concat([Buffer.from(header), content]);
}

export const sequence = (...parts: readonly Uint8Array[]): Buffer => der(derTags.sequence, ...parts);
export const set = (...parts: readonly Uint8Array[]): Buffer => der(derTags.set, ...parts);
export const nil = der(0x05);
export const truth = der(derTags.boolean, Buffer.from([0xff]));
export const utf8 = (text: string): Buffer => der(0x0c, Buffer.from(text));
export const octets = (bytes: Uint8Array): Buffer => der(derTags.octetString, bytes);

/** A non-negative integer from its big-endian bytes. */
export function integer(bytes: Uint8Array): Buffer {
  let start = 0;
  while (start < bytes.byteLength - 1 && bytes[start] === 0) start += 1;
  const short = bytes.subarray(start);
  return der(derTags.integer, Buffer.from((short[0] ?? 0) >= 0x80 || short.byteLength === 0 ? [0] : []), short);
}

export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes: number[] = [];
  for (const part of [first * 40 + second, ...rest]) {
    const groups = [part & 0x7f];
    for (let high = Math.floor(part / 128); high > 0; high = Math.floor(high / 128))
      groups.unshift(0x80 | (high & 0x7f));
    bytes.push(...groups);
  }
  return der(derTags.oid, Buffer.from(bytes));
}

/** Bits, with so many unused ones in the last octet. */
export const bitString = (bytes: Uint8Array, unused = 0): Buffer =>
  der(derTags.bitString, Buffer.from([unused]), bytes);

/** UTCTime up to 2049, GeneralizedTime after (RFC 5280 §4.1.2.5). */
export function time(moment: Date): Buffer {
  const text = `${moment.toISOString().replaceAll(/[-:T]/g, '').slice(0, 14)}Z`;
  return moment.getUTCFullYear() < 2050
    ? der(derTags.utcTime, Buffer.from(text.slice(2)))
    : der(derTags.generalizedTime, Buffer.from(text));
}
