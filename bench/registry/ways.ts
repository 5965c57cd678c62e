// Accepting as the server does, and without what is to make that faster: in turn, on the same registry.
import { type Database } from '../../src/db/database.ts';
import { openRegistry, type Registry } from '../../src/registry/registry.ts';
import { openVerifierPool } from '../../src/trust/pool.ts';
import { createVerifier } from '../../src/trust/verifier.ts';
import { acceptAll, patience } from './fill.ts';

export interface WayRate {
  readonly name: string;
  readonly perSecond: number;
  /** Of this process, with all its threads, in milliseconds for each document. */
  readonly cpu: number;
}

/** The same database, in which no two writes share a commit. */
function withoutGroups(db: Database): Database {
  let last: Promise<unknown> = Promise.resolve();
  return {
    ...db,
    write: (work) => {
      const next = last.then(() => db.query.transaction().execute(work));
      last = next.catch(() => undefined);
      return next;
    },
  };
}

const now = (): Date => new Date();

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;

/** How often each way has its turn. */
const rounds = 5;

/** Takes `count` documents, each way as many; medians of the rounds. */
export async function compareWays(
  db: Database,
  documents: AsyncIterator<Buffer>,
  count: number,
): Promise<readonly WayRate[]> {
  const trust = { acceptSelfSigned: true };
  const pool = openVerifierPool(trust, { timeLimit: patience });
  const ways: readonly { readonly name: string; readonly registry: Registry }[] = [
    { name: 'threads verify, writes share commits', registry: openRegistry({ db, verify: pool.verify, now }) },
    {
      name: 'threads verify, each has its commit',
      registry: openRegistry({ db: withoutGroups(db), verify: pool.verify, now }),
    },
    { name: 'one thread, writes share commits', registry: openRegistry({ db, verify: createVerifier(trust), now }) },
  ];
  const measured = ways.map(({ name }) => ({ name, rates: [] as number[], cpus: [] as number[] }));
  const each = Math.floor(count / (rounds * ways.length));
  try {
    for (let round = 0; round < rounds; round += 1) {
      for (const [place, { registry }] of ways.entries()) {
        const before = process.cpuUsage();
        measured[place]?.rates.push(await acceptAll(registry, documents, each));
        const { user, system } = process.cpuUsage(before);
        measured[place]?.cpus.push((user + system) / 1000 / each);
      }
    }
  } finally {
    await pool.close();
  }
  return measured.map(({ name, rates, cpus }) => ({ name, perSecond: median(rates), cpu: median(cpus) }));
}
