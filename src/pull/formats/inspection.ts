// What the safety check of a disk format asks of a file, and what it answers.
import { Fault } from '../../errors/fault.ts';

/** A file that was proven to be what was signed, which makes it known, not harmless. */
export interface ImageFile {
  readonly bytes: number;
  /** `length` bytes at `offset`; fewer only where the file ends. */
  read(offset: number, length: number): Promise<Buffer>;
}

export interface Inspection {
  /** Size of the disk inside, in bytes. */
  readonly diskBytes: number;
}

/** A file that may not be opened by any program. */
export const unsafe = (why: string): Fault => new Fault('pull.unsafe', `The image is refused: ${why}.`);

/** Reads exactly; a file that ends before is refused. */
export async function readExactly(file: ImageFile, offset: number, length: number): Promise<Buffer> {
  if (!Number.isSafeInteger(offset) || offset < 0 || length < 0) throw unsafe('a part of it lies outside the file');
  const bytes = await file.read(offset, length);
  if (bytes.length < length) throw unsafe('it ends before its headers do');
  return bytes;
}

/** A 64-bit number as one that can be counted with; greater ones are no size or offset of anything that exists. */
export function countable(value: bigint, name: string): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw unsafe(`its ${name} is out of all reason`);
  return Number(value);
}
