// What the routes of images take and give.
import { z } from 'zod';

/** POST /images/{identifier}/probes: `full` fetches and hashes every byte. */
export const probeBody = z.strictObject({ full: z.boolean().default(false) });

export const locationHealth = z.object({
  location: z.string(),
  /** `wrong`: it serves something, and not this image. */
  state: z.enum(['good', 'wrong', 'unreachable']),
  reason: z.string().optional(),
  method: z.enum(['head', 'full']),
  checked: z.string(),
  since: z.string(),
});

export const probeAnswer = z.object({ locations: z.array(locationHealth) });
