// Fills a registry through its real accept path: every document is verified, logged and indexed.
import { type Database } from '../../src/db/database.ts';
import { openRegistry } from '../../src/registry/registry.ts';
import { openVerifierPool } from '../../src/trust/pool.ts';

/** Documents that are on their way at once. */
const inFlight = 64;

/** Milliseconds for the check of one document: a busy machine is no reason to refuse it here. */
export const patience = 60_000;

/** Takes documents until `count` have been accepted or there are none left. Returns documents per second. */
export async function fill(db: Database, documents: AsyncIterator<Buffer>, count: number): Promise<number> {
  const verifiers = openVerifierPool({ acceptSelfSigned: true }, { timeLimit: patience });
  const registry = openRegistry({ db, verify: verifiers.verify, now: () => new Date() });
  let taken = 0;
  const lane = async (): Promise<void> => {
    while (taken < count) {
      taken += 1;
      const next = await documents.next();
      if (next.done === true) return;
      await registry.accept(next.value, { address: '127.0.0.1' });
    }
  };
  const begun = performance.now();
  try {
    await Promise.all(Array.from({ length: inFlight }, lane));
  } finally {
    await verifiers.close();
  }
  return count / ((performance.now() - begun) / 1000);
}
