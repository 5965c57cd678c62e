// A reader for DER (X.690), as far as certificates and revocation lists need it.

export class DerError extends Error {
  override readonly name = 'DerError';
}

export interface DerNode {
  /** The identifier octet: class, constructed bit and tag number. */
  readonly tag: number;
  readonly content: Uint8Array;
  /** Identifier, length and content. */
  readonly whole: Uint8Array;
}

export const derTags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** The element at an offset. Throws a DerError where the bytes are no DER. */
export function readDer(bytes: Uint8Array, at = 0): DerNode {
  const tag = bytes[at];
  let length = bytes[at + 1];
  if (tag === undefined || length === undefined) throw new DerError('the structure ends early');
  if ((tag & 0x1f) === 0x1f) throw new DerError('tags of several octets are not used here');
  let start = at + 2;
  if (length >= 0x80) {
    const octets = length & 0x7f;
    if (octets === 0 || octets > 4) throw new DerError('a length is not definite, or far too large');
    length = 0;
    for (let index = 0; index < octets; index += 1) {
      const octet = bytes[start + index];
      if (octet === undefined) throw new DerError('the structure ends early');
      length = length * 256 + octet;
    }
    start += octets;
  }
  const end = start + length;
  if (end > bytes.byteLength) throw new DerError('the structure ends early');
  return { tag, content: bytes.subarray(start, end), whole: bytes.subarray(at, end) };
}

/** The elements inside a constructed one. */
export function derChildren(node: DerNode): DerNode[] {
  const children: DerNode[] = [];
  for (let at = 0; at < node.content.byteLength;) {
    const child = readDer(node.content, at);
    children.push(child);
    at += child.whole.byteLength;
  }
  return children;
}

/** The child at a place, which must be there and carry that tag. */
export function derChild(children: readonly DerNode[], place: number, tag?: number): DerNode {
  const child = children[place];
  if (!child || (tag !== undefined && child.tag !== tag)) throw new DerError('an expected element is missing');
  return child;
}

/** An object identifier in dotted form. */
export function derOid(node: DerNode): string {
  const parts: number[] = [];
  let value = 0;
  for (const octet of node.content) {
    value = value * 128 + (octet & 0x7f);
    if (octet < 0x80) {
      parts.push(value);
      value = 0;
    }
  }
  const first = parts.shift() ?? 0;
  const top = Math.min(2, Math.floor(first / 40));
  return [top, first - top * 40, ...parts].join('.');
}

/** The text of a string type: UTF-8, BMPString or the eight-bit ones. */
export function derText(node: DerNode): string {
  const bytes = Buffer.from(node.content);
  if (node.tag === 0x0c) return bytes.toString('utf8');
  if (node.tag === 0x1e && bytes.byteLength % 2 === 1) throw new DerError('a BMPString has an odd number of octets');
  if (node.tag === 0x1e) return Buffer.from(bytes).swap16().toString('utf16le');
  return bytes.toString('latin1');
}

/** UTCTime or GeneralizedTime (RFC 5280 §4.1.2.5). */
export function derTime(node: DerNode): Date {
  const text = Buffer.from(node.content).toString('latin1');
  const short = node.tag === derTags.utcTime;
  const found = (short ? /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/ : /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/).exec(
    text,
  );
  if (!found) throw new DerError('a time is not in the form of RFC 5280');
  const [year = 0, month = 0, day, hour, minute, second] = found.slice(1).map(Number);
  const full = short ? year + (year >= 50 ? 1900 : 2000) : year;
  const time = new Date(Date.UTC(full, month - 1, day, hour, minute, second));
  if (time.getUTCMonth() !== month - 1 || time.getUTCDate() !== day) throw new DerError('a time is not a real one');
  return time;
}

/** An integer as lower-case hex without leading zeros. */
export function derIntegerHex(node: DerNode): string {
  return Buffer.from(node.content)
    .toString('hex')
    .replace(/^0+(?=.)/, '');
}
