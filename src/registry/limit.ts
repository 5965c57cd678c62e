// How many documents one endorser may upload in an hour, counted in the transaction that takes them in.
import { type Queries } from '../db/database.ts';
import { Fault } from '../errors/fault.ts';

/** Counts one upload. Throws `registry.endorser-limit` (details.retryAfter: seconds) beyond `limit` within the hour of `at`. */
export async function countUpload(queries: Queries, email: string, at: string, limit: number): Promise<void> {
  const hour = at.slice(0, 13);
  const { uploads } = await queries
    .insertInto('endorser_uploads')
    .values({ email, hour, uploads: 1 })
    .onConflict((conflict) =>
      conflict.columns(['email', 'hour']).doUpdateSet((row) => ({ uploads: row('endorser_uploads.uploads', '+', 1) })),
    )
    .returning('uploads')
    .executeTakeFirstOrThrow();
  if (uploads === 1)
    await queries.deleteFrom('endorser_uploads').where('email', '=', email).where('hour', '<', hour).execute();
  if (uploads <= limit) return;
  const retryAfter = 3600 - (Math.floor(Date.parse(at) / 1000) % 3600);
  throw new Fault('registry.endorser-limit', `${email} has had ${limit} documents taken in within this hour`, {
    details: { retryAfter },
  });
}
