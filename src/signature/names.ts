// Distinguished names: read from certificates, written as RFC 2253, and compared as names instead of as strings.
import { derChild, derChildren, derOid, derText, type DerNode } from './der.ts';

/** Attribute type (dotted) and value. */
type Pair = readonly [type: string, value: string];
/** Relative distinguished names, in the order of the certificate. */
export type DistinguishedName = readonly (readonly Pair[])[];

/** RFC 2253 §2.3, and the two that other tools write. */
const keywords: Readonly<Record<string, string>> = {
  CN: '2.5.4.3',
  L: '2.5.4.7',
  ST: '2.5.4.8',
  O: '2.5.4.10',
  OU: '2.5.4.11',
  C: '2.5.4.6',
  STREET: '2.5.4.9',
  DC: '0.9.2342.19200300.100.1.25',
  UID: '0.9.2342.19200300.100.1.1',
  EMAILADDRESS: '1.2.840.113549.1.9.1',
  E: '1.2.840.113549.1.9.1',
  S: '2.5.4.8',
};
const keywordOf = new Map(
  Object.entries(keywords)
    .slice(0, 10)
    .map(([keyword, type]) => [type, keyword]),
);

export function readName(node: DerNode): DistinguishedName {
  return derChildren(node).map((set) =>
    derChildren(set).map((pair) => {
      const parts = derChildren(pair);
      return [derOid(derChild(parts, 0)), derText(derChild(parts, 1))] as const;
    }),
  );
}

function escapeValue(value: string): string {
  return value
    .replaceAll(/[,+"\\<>;]/g, (found) => `\\${found}`)
    .replaceAll(/^[ #]|(?<=[^]) $/g, (found) => `\\${found}`)
    .replaceAll('\0', '\\00');
}

/** RFC 2253: last name first, as StratusLab's documents have it. */
export function formatName(name: DistinguishedName): string {
  return [...name]
    .reverse()
    .map((pairs) => pairs.map(([type, value]) => `${keywordOf.get(type) ?? type}=${escapeValue(value)}`).join('+'))
    .join(',');
}

const pair =
  /\s*([A-Za-z][A-Za-z0-9-]*|(?:OID\.)?\d+(?:\.\d+)*)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|(#[0-9A-Fa-f]+)|((?:[^,+;"\\]|\\.)*))\s*(,|\+|;|$)/iy;

function unescape(text: string): string {
  const bytes: Buffer[] = [];
  for (const found of text.matchAll(/\\([0-9A-Fa-f]{2})|\\(.)|([^\\]+)/gsu)) {
    const [, hex, single, plain] = found;
    bytes.push(hex === undefined ? Buffer.from(single ?? plain ?? '') : Buffer.from(hex, 'hex'));
  }
  return Buffer.concat(bytes).toString('utf8');
}

function hexValue(text: string): string {
  const bytes = Buffer.from(text.slice(1), 'hex');
  const length = bytes[1];
  // The value's DER: a short string type; longer ones do not occur in names.
  return length !== undefined && length < 0x80 && bytes.byteLength === length + 2
    ? derText({ tag: bytes[0] ?? 0, content: bytes.subarray(2), whole: bytes })
    : text;
}

/** Reads RFC 2253 (and what RFC 1779 and common tools allow). Undefined where the text is no name. */
export function parseName(text: string): DistinguishedName | undefined {
  const found: Pair[][] = [[]];
  if (text.length > 4096) return undefined;
  pair.lastIndex = 0;
  for (let at = 0; at < text.length || at === 0; at = pair.lastIndex) {
    pair.lastIndex = at;
    const match = pair.exec(text);
    if (!match) return undefined;
    const [, key = '', quoted, hex, plain, separator] = match;
    const type = /^\d/.test(key) ? key : (keywords[key.toUpperCase()] ?? key.replace(/^OID\./i, ''));
    // A trailing space that is not escaped is no part of a value.
    const value =
      hex === undefined ? unescape(quoted ?? plain?.replace(/(?<=(?:^|[^\\])(?:\\\\)*) +$/, '') ?? '') : hexValue(hex);
    found.at(-1)?.push([type, value]);
    if (separator === '') return found.reverse();
    if (separator !== '+') found.push([]);
  }
  return undefined;
}

/** RFC 5280 §7.1 in short: case and runs of spaces do not count. */
function normal(value: string): string {
  return value.normalize('NFKC').trim().replaceAll(/\s+/g, ' ').toLowerCase();
}

/** Whether two names are the same: the same attributes, each with the same value, in the same order of levels. */
export function sameName(left: DistinguishedName, right: DistinguishedName): boolean {
  const flat = (name: DistinguishedName): string =>
    JSON.stringify(name.map((pairs) => pairs.map(([type, value]) => `${type}=${normal(value)}`).sort()));
  return flat(left) === flat(right);
}
