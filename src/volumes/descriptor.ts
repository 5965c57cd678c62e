// The files that say what a volume is (`volume.json`) and who may use it (`attachments/<id>.json`): truth, not index.
import { z } from 'zod';
import { Fault } from '../errors/fault.ts';
import { largestDiskBytes } from './geometry.ts';
import { attachmentModes, volumeKinds } from './model.ts';

const instant = z.iso.datetime();
const size = z.number().int().positive().multipleOf(512).max(largestDiskBytes);
const epoch = z.number().int().positive();
const manifestId = z.string().regex(/^[0-9a-f]{64}$/u);

const parent = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('nothing') }),
  z.strictObject({
    kind: z.literal('image'),
    image: z.string().min(1),
    manifestId,
    size,
  }),
  z.strictObject({ kind: z.literal('layer'), volume: z.uuid(), epoch }),
  /** A snapshot that is in the vault, under `volumes/<volume>/<epoch>`. */
  z.strictObject({ kind: z.literal('archive'), volume: z.uuid(), epoch, manifestId, size }),
]);

/** What lies below a volume's own layers. */
export type Parent = z.infer<typeof parent>;

const snapshot = z.strictObject({
  uuid: z.uuid(),
  tag: z.string().optional(),
  /** The sealed layer that is its topmost. */
  epoch,
  size,
  created: instant,
  /** The manifest that holds it in the vault, under `volumes/<volume>/<epoch>`; the layer is gone then. */
  archived: z.strictObject({ manifestId, size }).optional(),
});

const volume = z.strictObject({
  format: z.literal(1),
  uuid: z.uuid(),
  kind: z.enum(volumeKinds),
  size,
  tag: z.string().optional(),
  owner: z.string().optional(),
  image: z.string().optional(),
  /** The volume, and the snapshot of it, that it was cloned from. */
  clonedFrom: z.strictObject({ volume: z.uuid(), snapshot: z.uuid().optional() }).optional(),
  created: instant,
  quarantinedUntil: instant.optional(),
  /** Layer that takes the writes; a static disk has none. */
  head: epoch.optional(),
  /** Layers below the head, oldest first. */
  sealed: z.array(epoch),
  parent,
  /** Oldest first. */
  snapshots: z.array(snapshot),
  /** Pointers in the vault that are to be taken away, unless another descriptor names them. */
  retired: z.array(z.strictObject({ volume: z.uuid(), epoch })).optional(),
});

/** Names a snapshot in the vault. */
export interface ArchiveName {
  readonly volume: string;
  readonly epoch: number;
}

export type VolumeDescriptor = Readonly<z.infer<typeof volume>>;
export type SnapshotDescriptor = VolumeDescriptor['snapshots'][number];

const attachment = z.strictObject({
  format: z.literal(1),
  id: z.uuid(),
  volume: z.uuid(),
  initiator: z.string().min(1),
  mode: z.enum(attachmentModes),
  chapName: z.string().min(1),
  chapSecret: z.string().min(12),
  created: instant,
});

export type AttachmentDescriptor = Readonly<z.infer<typeof attachment>>;

function parse<T>(schema: z.ZodType<T>, text: string, path: string): T {
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    throw new Fault('volumes.damaged', `${path} cannot be understood.`, { cause: error });
  }
}

/** Throws `volumes.damaged`. */
export function parseVolume(text: string, path: string): VolumeDescriptor {
  return parse(volume, text, path);
}

/** Throws `volumes.damaged`. */
export function parseAttachment(text: string, path: string): AttachmentDescriptor {
  return parse(attachment, text, path);
}

export function descriptorText(descriptor: VolumeDescriptor | AttachmentDescriptor): string {
  return `${JSON.stringify(descriptor, undefined, 2)}\n`;
}
