// What the volume routes take and give.
import { z } from 'zod';
import { attachmentModes, volumeKinds } from '../../../volumes/model.ts';

const labels = { tag: z.string().min(1).max(200).optional() };
const size = z.number().int().positive();

/** POST /volumes: from an image, from a snapshot or another volume, or blank. */
export const newVolumeBody = z.union(
  [
    z.strictObject({
      image: z.string(),
      kind: z.enum(['machine', 'static', 'volatile']).default('machine'),
      size: size.optional(),
      ...labels,
    }),
    z.strictObject({
      source: z.uuid(),
      kind: z.enum(['machine', 'volatile']).default('machine'),
      size: size.optional(),
      ...labels,
    }),
    z.strictObject({ size, ...labels }),
  ],
  {
    error:
      'give {"image": IDENTIFIER}, {"source": UUID of a volume or snapshot} or {"size": BYTES}, each with an optional "tag"',
  },
);

/** PATCH /volumes/{uuid}. */
export const volumeChange = z.union([z.strictObject({ size }), z.strictObject({ tag: z.string().min(1).max(200) })], {
  error: 'give {"size": BYTES} or {"tag": TEXT}',
});

export const newSnapshotBody = z.strictObject(labels);

export const volumeFilter = z.object({
  kind: z.enum(volumeKinds).optional(),
  state: z.enum(['available', 'attached', 'quarantined']).optional(),
  tag: z.string().optional(),
  image: z.string().optional(),
  initiator: z.string().optional(),
});

export const snapshotAnswer = z.object({
  uuid: z.uuid(),
  volume: z.uuid(),
  tag: z.string().optional(),
  /** Bytes. */
  size: z.number(),
  created: z.string(),
});

const attachmentSummary = z.object({
  id: z.string(),
  volume: z.uuid(),
  initiator: z.string(),
  mode: z.enum(attachmentModes),
  created: z.string(),
});

export const volumeAnswer = z.object({
  uuid: z.uuid(),
  kind: z.enum(volumeKinds),
  state: z.string(),
  /** Bytes. */
  size: z.number(),
  image: z.string().optional(),
  clonedFrom: z.string().optional(),
  tag: z.string().optional(),
  created: z.string(),
  iqn: z.string(),
  snapshots: z.array(snapshotAnswer),
  attachments: z.array(attachmentSummary),
});
export type VolumeAnswer = z.output<typeof volumeAnswer>;

export const volumeList = z.object({ volumes: z.array(volumeAnswer) });
