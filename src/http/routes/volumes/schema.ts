// What the volume routes take and give.
import { z } from 'zod';

const tag = z.string().min(1).max(200);

/** POST /volumes: from an image, from a snapshot or another volume, or blank. */
export const newVolumeBody = z.union(
  [
    z.strictObject({ image: z.string(), tag: tag.optional(), readOnly: z.boolean().optional() }),
    z.strictObject({ source: z.uuid(), tag: tag.optional() }),
    z.strictObject({ size: z.number().int().positive(), tag: tag.optional() }),
  ],
  {
    error:
      'give {"image": IDENTIFIER}, {"source": UUID of a volume or snapshot} or {"size": BYTES}, each with an optional "tag"',
  },
);

/** PATCH /volumes/{id}. */
export const volumeChange = z.strictObject({ size: z.number().int().positive() });

export const volumeAnswer = z.object({
  id: z.uuid(),
  kind: z.string(),
  state: z.string(),
  /** Bytes. */
  size: z.number(),
  image: z.string().optional(),
  tag: z.string().optional(),
  created: z.string(),
});
export type VolumeAnswer = z.output<typeof volumeAnswer>;

export const volumeList = z.object({ volumes: z.array(volumeAnswer) });
