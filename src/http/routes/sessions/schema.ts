// What the forms for signing in and out send.
import { z } from 'zod';

/** A path of this site, and nothing that a browser could take for another site. */
const ownPath = z.string().regex(/^\/(?:cache|jobs|metadata)(?:[/?][^\\\s]*)?$/u);

const next = ownPath.catch('/cache').default('/cache');

export const loginQuery = z.object({ next });
export const loginForm = z.strictObject({
  token: z.string(),
  next,
  /** There is one operator; what the field says is for the browser's own memory. */
  username: z.string().optional(),
});
export const logoutForm = z.strictObject({ form: z.string() });
