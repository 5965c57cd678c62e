// What an entry says of the file at its locations, as far as it decides which way its bytes take into the vault.
import { type ImageMetadata } from '../metadata/model.ts';

export type ServedImage = Pick<ImageMetadata, 'bytes' | 'compression' | 'format'>;

/** Formats whose files are the disk itself; all others are converted. */
export const isDiskAsServed = (format: string | undefined): format is 'raw' | 'iso' | undefined =>
  format === undefined || format === 'raw' || format === 'iso';

/** Whether a location is of the web; others are for other software. */
export const isWeb = (location: string): boolean => /^https?:/i.test(location);

const sectorBytes = 512;

/** The size of the disk that holds `bytes` bytes: whole sectors. */
export const paddedSize = (bytes: number): number => Math.ceil(bytes / sectorBytes) * sectorBytes;

/** Whether the vault takes the bytes as they come, and no file is kept until they are whole: see {@link PullLimits.partFileBytes}. */
export const goesInAsItComes = ({ bytes, compression, format }: ServedImage, partFileBytes: number): boolean =>
  compression === undefined && isDiskAsServed(format) && bytes > partFileBytes;
