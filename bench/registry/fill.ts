// Fills a registry through its real accept path: every document is verified, logged and indexed.
import { type Database } from '../../src/db/database.ts';
import { openRegistry, type Registry } from '../../src/registry/registry.ts';
import { openVerifierPool } from '../../src/trust/pool.ts';

/** Documents that are on their way at once. */
const inFlight = 64;

/** Milliseconds for the check of one document: a busy machine is no reason to refuse it here. */
export const patience = 60_000;

/** Has `count` documents accepted, or as many as there are. Returns documents per second. */
export async function acceptAll(registry: Registry, documents: AsyncIterator<Buffer>, count: number): Promise<number> {
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
  await Promise.all(Array.from({ length: inFlight }, lane));
  return count / ((performance.now() - begun) / 1000);
}

/** As {@link acceptAll}, with verifiers in threads, as a server has them. */
export async function fill(db: Database, documents: AsyncIterator<Buffer>, count: number): Promise<number> {
  const verifiers = openVerifierPool({ acceptSelfSigned: true }, { timeLimit: patience });
  try {
    return await acceptAll(openRegistry({ db, verify: verifiers.verify, now: () => new Date() }), documents, count);
  } finally {
    await verifiers.close();
  }
}
