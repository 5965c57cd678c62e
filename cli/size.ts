// Sizes on the command line: bytes, or a number with a unit.
import { Fault } from '../src/errors/fault.ts';

const units: Readonly<Record<string, number>> = { '': 1, 'K': 1024, 'M': 1024 ** 2, 'G': 1024 ** 3, 'T': 1024 ** 4 };

/** `10G` in bytes, at least one and as many as can be counted. `what` names it to people. Throws `usage`. */
export function parseSize(text: string, what: string): number {
  const match = /^(\d+)([KMGT]?)(i?B)?$/u.exec(text);
  const unit = units[match?.[2] ?? ''];
  const bytes = unit === undefined ? Number.NaN : Number(match?.[1]) * unit;
  if (!Number.isSafeInteger(bytes) || bytes <= 0) {
    throw new Fault('usage', `${what}: "${text}" is not a number of bytes greater than 0`, {
      action: 'Write bytes, or a number with K, M, G or T: 10G.',
    });
  }
  return bytes;
}
