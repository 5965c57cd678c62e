// Reserves room before a pull begins, so that pulls that run at once do not fill the disk together.
import { mkdir, statfs } from 'node:fs/promises';
import { Fault } from '../errors/fault.ts';
import { type ImageMetadata } from '../metadata/model.ts';
import { goesInAsItComes, isDiskAsServed, type ServedImage } from './served-image.ts';

/** Free bytes of the disk that holds the folder. */
export type FreeSpace = (folder: string) => Promise<number>;

export interface SpaceLedger {
  /** Sets aside what a pull of the image may need at most, and returns how to give it back. Throws `pull.no-room`. */
  reserve(image: ServedImage & Pick<ImageMetadata, 'identifier'>): Promise<() => void>;
}

const freeOf: FreeSpace = async (folder) => {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
};

/** Left free, always: journals and the database need room too. */
const spareBytes = 64 * 1024 * 1024;

/**
 * The disk in the vault, which may be on the same file system; the file as it is served, unless it goes into the vault as it comes; a format to convert takes a
 * decompressed file and a raw disk besides.
 */
function neededBytes(image: ServedImage, partFileBytes: number): number {
  const copies = goesInAsItComes(image, partFileBytes) ? 1 : isDiskAsServed(image.format) ? 2 : 4;
  return image.bytes * copies + spareBytes;
}

export function createSpaceLedger(folder: string, partFileBytes: number, freeSpace: FreeSpace = freeOf): SpaceLedger {
  let reserved = 0;
  return {
    async reserve(image) {
      const needed = neededBytes(image, partFileBytes);
      await mkdir(folder, { recursive: true });
      const free = await freeSpace(folder);
      if (reserved + needed > free) {
        throw new Fault(
          'pull.no-room',
          `The pull of ${image.identifier} may need ${needed} bytes; ${free} are free, and ${reserved} are reserved for other pulls.`,
        );
      }
      reserved += needed;
      return () => {
        reserved -= needed;
      };
    },
  };
}
