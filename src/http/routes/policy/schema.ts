// What the policy routes take.
import { z } from 'zod';

/** POST /policy/check: an image, or one endorser's entry of it. */
export const checkBody = z.strictObject({ identifier: z.string(), email: z.string().optional() });
