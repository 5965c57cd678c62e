// What base layers on this node hold of disks of the vault, as bytes that somebody else proves: for repairs of the vault.
import { join } from 'node:path';
import { type StorageFile, type StorageFiles } from './files.ts';

/** A disk, as far as it is on this node. */
export interface LocalCopy {
  readonly manifestId: string;
  /** Chunks that are not here read as zeros. Undefined: the layer is gone, or cannot be read. */
  read(offset: number, length: number): Promise<Buffer | undefined>;
}

/** Those that there are now. */
export type LocalCopies = () => Promise<readonly LocalCopy[]>;

/** The folder with one folder per base layer, in that of the volumes. */
export const baseFolder = (dataDir: string): string => join(dataDir, 'bases');

/** A layer that is open at the same time is only read beside: half a chunk is not proven. */
export function baseLayerCopies(files: StorageFiles, dataDir: string): LocalCopies {
  const baseRoot = baseFolder(dataDir);
  return async () =>
    (await files.list(baseRoot)).map((manifestId) => ({
      manifestId,
      async read(offset, length) {
        let file: StorageFile | undefined;
        try {
          file = files.openSync(join(baseRoot, manifestId, 'data'), 'read');
          const bytes = Buffer.alloc(length);
          await file.read(bytes, 0, length, offset);
          return bytes;
        } catch {
          return undefined;
        } finally {
          file?.closeSync();
        }
      },
    }));
}
