// The records of the vault and their keys: which image is which disk, what was checked, and who is writing.
import { z } from 'zod';

const hex256 = z.string().regex(/^[0-9a-f]{64}$/);
const writerId = z.string().regex(/^[0-9a-f]{24}$/);
const byteCount = z.int().nonnegative();

/** What was proven of an image when it was pulled. */
const verdict = z.object({
  /** The entry whose checksums were matched. */
  entry: z.object({ identifier: z.string(), email: z.string(), created: z.string() }),
  /** Bytes of the file after decompression, before conversion; equal to what was signed. */
  bytes: byteCount,
  /** Digests that were computed over those bytes and equal what was signed, hex by algorithm. */
  checksums: z.record(z.string(), z.string()),
  /** Where the bytes came from: the location of the entry, and the address that answered after redirects. */
  location: z.string(),
  finalLocation: z.string(),
  /** When the check ended, ISO 8601. */
  verified: z.string(),
});

export const imageRecord = z.object({
  format: z.literal('mintmark-image'),
  version: z.literal(1),
  identifier: z.string(),
  manifestId: hex256,
  /** Of the raw disk, padded with zeros to a multiple of 512. */
  size: byteCount,
  /** Of the raw disk before it was padded. */
  contentBytes: byteCount,
  /** Format of the file that was pulled, such as `raw` or `qcow2`. */
  sourceFormat: z.string(),
  /** SHA-256 of the raw disk, padding not included. */
  diskSha256: hex256,
  verdict,
  /** Who wrote it: an intent of the same writer that is still there was only not cleared away yet. */
  writer: writerId,
});

/** `images/<identifier>`: the image is in the vault, whole and proven. */
export type ImagePointer = Readonly<z.output<typeof imageRecord>>;

export const volumeRecord = z.object({
  format: z.literal('mintmark-volume'),
  version: z.literal(1),
  volume: z.string(),
  epoch: z.int().nonnegative(),
  manifestId: hex256,
  size: byteCount,
  created: z.string(),
  writer: writerId,
});

/** `volumes/<id>/<epoch>`: a snapshot of a volume is in the vault, whole. */
export type VolumePointer = Readonly<z.output<typeof volumeRecord>>;

export const intentRecord = z.object({
  format: z.literal('mintmark-intent'),
  version: z.literal(1),
  /** First 12 bytes of the id of every pack it writes, hex. */
  writer: writerId,
  node: z.string(),
  renewed: z.string(),
});

const identifierPattern = /^[A-P][A-Za-z0-9_-]{26}$/;

/** The key of an image's pointer; undefined where the text is no identifier (design/metadata.md §1). */
export function imageKey(identifier: string): string | undefined {
  return identifierPattern.test(identifier) ? `images/${identifier}` : undefined;
}

export const intentKey = (node: string, writer: string): string => `intents/${node}/${writer}`;
export const packKey = (name: string): string => `packs/${name.slice(0, 2)}/${name}`;
/** The writer of a pack, from its name. */
export const writerOf = (packName: string): string => packName.slice(0, 24);
export const packNameOf = (key: string): string | undefined => /^packs\/[0-9a-f]{2}\/([0-9a-f]{32})$/.exec(key)?.[1];

export const leaseKey = (node: string, manifestId: string): string => `leases/${node}/${manifestId}`;
export const usedKey = (identifier: string): string => `used/${identifier}`;

/** The note that a copy of a chunk is damaged; its key says all that a reader needs. */
export const damageKey = (pack: string, entry: number): string => `damaged/${pack}/${entry}`;
export function packAndEntryOf(key: string): { readonly pack: string; readonly entry: number } | undefined {
  const match = /^damaged\/([0-9a-f]{32})\/(\d{1,7})$/.exec(key);
  return match?.[1] === undefined ? undefined : { pack: match[1], entry: Number(match[2]) };
}

const volumePattern = /^[0-9A-Za-z_-]{1,64}$/;

/** The key of a snapshot's pointer; undefined where the text can be no id of a volume. */
export function volumeKey(volume: string, epoch: number): string | undefined {
  return volumePattern.test(volume) && Number.isSafeInteger(epoch) ? `volumes/${volume}/${epoch}` : undefined;
}
