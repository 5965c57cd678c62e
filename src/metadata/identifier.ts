// The identifier of an image: its SHA-1 as a number, written in 27 digits of base 64 (design/metadata.md §1).

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
/** 27 digits carry 162 bits, a SHA-1 has 160: so the first digit is one of the first sixteen. */
const pattern = /^[A-P][A-Za-z0-9_-]{26}$/;

export function isIdentifier(text: string): boolean {
  return pattern.test(text);
}

/** The identifier of a SHA-1, given as 40 hexadecimal digits of either case. Throws a RangeError for anything else. */
export function encodeIdentifier(sha1: string): string {
  if (!/^[0-9A-Fa-f]{40}$/.test(sha1)) throw new RangeError('a SHA-1 has exactly 40 hexadecimal digits');
  let text = '';
  let rest = 0;
  // The 160 bits stand at the end of 162.
  let bits = 2;
  for (const digit of sha1) {
    rest = (rest << 4) | Number.parseInt(digit, 16);
    bits += 4;
    if (bits < 6) continue;
    bits -= 6;
    text += alphabet[rest >> bits] ?? '';
    rest &= (1 << bits) - 1;
  }
  return text;
}

/** The SHA-1 of an identifier, in 40 lower-case hexadecimal digits. Throws a RangeError where it is none. */
export function decodeIdentifier(identifier: string): string {
  if (!isIdentifier(identifier))
    throw new RangeError('an identifier has 27 digits of A-Z a-z 0-9 - _, the first A to P');
  let value = 0n;
  for (const digit of identifier) value = (value << 6n) | BigInt(alphabet.indexOf(digit));
  return value.toString(16).padStart(40, '0');
}
