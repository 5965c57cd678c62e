// The forms of single values: dates, addresses, locations, numbers. Each answers with what is wrong, or nothing.
import { isIdentifier } from './identifier.ts';
import { type RuleCode } from './rules.ts';
import { type ValueKind } from './vocabulary.ts';

/** `YYYY-MM-DDThh:mm:ssZ`, a day that the calendar has. */
export function isTimestamp(text: string): boolean {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text)) return false;
  const time = Date.parse(text);
  return !Number.isNaN(time) && formatTimestamp(new Date(time)) === text;
}

/** A time as the documents write it, in whole seconds. */
export function formatTimestamp(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`;
}

const label = '[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?';
const emailPattern = new RegExp(`^[A-Za-z0-9_%+-]+(?:\\.[A-Za-z0-9_%+-]+)*@${label}(?:\\.${label})*$`);

/** An e-mail address that is safe in paths and links: letters, digits and `. _ % + -` before the @, a host name after it. */
export function isEmail(text: string): boolean {
  return text.length <= 254 && emailPattern.test(text);
}

/** A place to fetch contents from: http, https, ftp, or `pdisk:host:port:uuid`. */
export function isLocation(text: string): boolean {
  if (text.startsWith('pdisk:')) return /^pdisk:[A-Za-z0-9.-]+:\d{1,5}:[A-Za-z0-9-]+$/.test(text);
  // Control characters and spaces would be dropped by the parser, and the reader would see another address.
  if (!/^[\u0021-\u007E\u00A0-\uFFFF]+$/.test(text)) return false;
  return /^(?:https?|ftp):\/\//i.test(text) && URL.canParse(text);
}

/** Decimal digits up to `most`, as a number; undefined for anything else. */
export function parseCount(text: string, most: number): number | undefined {
  if (!/^\d{1,16}$/.test(text)) return undefined;
  const value = Number(text);
  return value <= most ? value : undefined;
}

export interface ValueProblem {
  readonly code: RuleCode;
  readonly message: string;
}

function isInForm(text: string, value: ValueKind): boolean {
  switch (value.kind) {
    case 'text':
      return true;
    case 'date':
      return isTimestamp(text);
    case 'identifier':
      return isIdentifier(text);
    case 'location':
      return isLocation(text);
    case 'number':
      return parseCount(text, value.most) !== undefined;
    case 'one-of':
      return value.values.includes(text);
    default:
      return value satisfies never;
  }
}

const codeOfKind = {
  'text': 'empty-value',
  'date': 'date-format',
  'identifier': 'identifier-format',
  'location': 'location-scheme',
  'number': 'number-range',
  'one-of': 'value-not-allowed',
} as const satisfies Record<ValueKind['kind'], RuleCode>;

function advice(value: ValueKind): string {
  if (value.kind === 'number') return `give a whole number from 0 to ${value.most}`;
  if (value.kind === 'one-of') return `it must be one of ${value.values.join(', ')}`;
  const fixed = {
    text: 'give a text',
    date: 'write a real date as YYYY-MM-DDThh:mm:ssZ, in UTC',
    identifier: 'an identifier has 27 digits of A-Z a-z 0-9 - _, the first A to P',
    location: 'give an http, https or ftp address, or pdisk:host:port:uuid',
  } as const;
  return fixed[value.kind];
}

/** What is wrong with the text of a term, if anything. */
export function valueProblem(name: string, text: string, value: ValueKind): ValueProblem | undefined {
  if (isInForm(text, value)) return undefined;
  return {
    code: codeOfKind[value.kind],
    message: `${name} is ${JSON.stringify(text.slice(0, 80))}; ${advice(value)}.`,
  };
}
