// Reserves room before a pull begins, so that pulls that run at once do not fill the disk together.
import { mkdir, statfs } from 'node:fs/promises';
import { Fault } from '../errors/fault.ts';
import { type ImageMetadata } from '../metadata/model.ts';

/** Free bytes of the disk that holds the folder. */
export type FreeSpace = (folder: string) => Promise<number>;

export interface SpaceLedger {
  /** Sets aside what a pull of the image may need at most, and returns how to give it back. Throws `pull.no-room`. */
  reserve(image: Pick<ImageMetadata, 'identifier' | 'bytes' | 'compression' | 'format'>): Promise<() => void>;
}

const freeOf: FreeSpace = async (folder) => {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
};

/** Left free, always: journals and the database need room too. */
const spareBytes = 64 * 1024 * 1024;

/** The file as it is served, and the disk in the vault; a format to convert takes a decompressed file and a raw disk besides. */
function neededBytes({ bytes, format }: Pick<ImageMetadata, 'bytes' | 'format'>): number {
  return bytes * (format === undefined || format === 'raw' || format === 'iso' ? 2 : 4) + spareBytes;
}

export function createSpaceLedger(folder: string, freeSpace: FreeSpace = freeOf): SpaceLedger {
  let reserved = 0;
  return {
    async reserve(image) {
      const needed = neededBytes(image);
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
