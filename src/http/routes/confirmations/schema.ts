// What the confirmation routes take.
import { z } from 'zod';

const token = z.string().max(100).describe('Secret of the link that was mailed');

export const confirmationQuery = z.object({ token });
export const confirmationBody = z.object({ token, decision: z.enum(['confirm', 'decline']) });
