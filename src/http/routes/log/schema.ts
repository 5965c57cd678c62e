// What the log routes take.
import { z } from 'zod';

const seq = z.coerce.number().int().nonnegative();

export const logQuery = z.object({
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  before: seq.optional(),
});
export const inclusionQuery = z.object({ seq, size: seq.optional() });
export const consistencyQuery = z.object({ from: seq, size: seq.optional() });
