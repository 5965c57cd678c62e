// Sizes on the command line: bytes, or a number with a unit.
import { Fault } from '../src/errors/fault.ts';

const units: Readonly<Record<string, number>> = { '': 1, 'K': 1024, 'M': 1024 ** 2, 'G': 1024 ** 3, 'T': 1024 ** 4 };

/** `10G` in bytes. Throws `usage`. */
export function parseSize(text: string): number {
  const match = /^(\d+)([KMGT]?)(i?B)?$/u.exec(text);
  const unit = units[match?.[2] ?? ''];
  if (match === null || unit === undefined) {
    throw new Fault('usage', `"${text}" is not a size`, { action: 'Write bytes, or a number with K, M, G or T: 10G.' });
  }
  return Number(match[1]) * unit;
}
