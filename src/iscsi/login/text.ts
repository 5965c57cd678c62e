// The key=value text of login and text PDUs (RFC 7143 §6.1).

export class TextError extends Error {
  override readonly name = 'TextError';
}

const longestKey = 63;
const keyPattern = /^[A-Z][A-Za-z0-9.\-+@_]*$/;
const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Pairs of a whole data segment, each ended by a zero byte.
 * @throws {TextError} on anything that is no such text, or a key that comes twice.
 */
export function parseText(data: Buffer): Map<string, string> {
  const pairs = new Map<string, string>();
  let decoded: string;
  try {
    decoded = utf8.decode(data);
  } catch {
    throw new TextError('not UTF-8');
  }
  for (const pair of decoded.split('\0')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const key = pair.slice(0, equals);
    if (equals < 1 || key.length > longestKey || !keyPattern.test(key)) throw new TextError('not a key=value pair');
    if (pairs.has(key)) throw new TextError(`${key} comes twice`);
    pairs.set(key, pair.slice(equals + 1));
  }
  return pairs;
}

export function formatText(pairs: Iterable<readonly [string, string]>): Buffer {
  return Buffer.from([...pairs].map(([key, value]) => `${key}=${value}\0`).join(''), 'utf8');
}

/**
 * A binary value: 0x and hex digits, or 0b and base64 (RFC 7143 §6.1).
 * @throws {TextError} where it is neither, or longer than `longest` bytes.
 */
export function parseBinary(value: string, longest: number): Buffer {
  const prefix = value.slice(0, 2).toLowerCase();
  const digits = value.slice(2);
  let decoded: Buffer;
  if (prefix === '0x' && /^[0-9a-fA-F]+$/.test(digits)) {
    decoded = Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, 'hex');
  } else if (prefix === '0b' && /^[A-Za-z0-9+/]+={0,2}$/.test(digits)) {
    decoded = Buffer.from(digits, 'base64');
  } else {
    throw new TextError('not a binary value');
  }
  if (decoded.length > longest) throw new TextError('a binary value that is too long');
  return decoded;
}

export function formatBinary(value: Buffer): string {
  return `0x${value.toString('hex')}`;
}
