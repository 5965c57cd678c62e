// What the policy routes take.
import { z } from 'zod';

/** POST /policy/check: an image, or one endorser's entry of it. */
export const checkBody = z.strictObject({ identifier: z.string(), email: z.string().optional() });

/** GET /policy: the image that the page judges. */
export const policyQuery = z.object({
  identifier: z
    .string()
    .trim()
    .max(100)
    .transform((text) => (text === '' ? undefined : text))
    .optional()
    .describe('Image whose verdicts the page shows'),
});
