// Who works with a database: any number of servers and followers together, or one rebuild alone. The hold ends with its holder.
import SqliteConnection from 'better-sqlite3';
import { Client } from 'pg';
import { Fault } from '../errors/fault.ts';
import { type PostgresLocation, type SqliteLocation } from './database.ts';

/** `alone`: nobody else is there, and nobody comes. */
export type HoldMode = 'together' | 'alone';

export interface Hold {
  release(): Promise<void>;
}

const inUse = (mode: HoldMode, cause?: unknown): Fault =>
  new Fault(
    'db.in-use',
    mode === 'alone'
      ? 'a server, or another command, works with this registry'
      : 'the index of this registry is being rebuilt',
    { cause },
  );

/** A lock of SQLite's on an empty file beside the database: the kernel gives it back however its holder ends. */
function holdFile(file: string, mode: HoldMode): Hold {
  const lock = new SqliteConnection(`${file}.hold`, { timeout: 0 });
  try {
    lock.exec(mode === 'alone' ? 'begin exclusive' : 'begin; select * from sqlite_schema');
  } catch (error) {
    lock.close();
    throw inUse(mode, error);
  }
  return {
    release: () => {
      lock.close();
      return Promise.resolve();
    },
  };
}

/** "mint", "mark": PostgreSQL's advisory locks are numbers, which others may use too. */
const advisoryKey = '1835626100, 1835102827';
/** How long after a lost connection it is made anew, in milliseconds. */
const againMs = 1000;

/** An advisory lock of a connection of its own. Where that breaks, a hold together with others is taken again. */
async function holdServer(url: string, mode: HoldMode): Promise<Hold> {
  let released = false;
  let timer: NodeJS.Timeout | undefined;
  const take = async (): Promise<Client> => {
    let client: Client | undefined;
    try {
      client = new Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
      client.on('error', () => {
        if (released || mode === 'alone') return;
        timer = setTimeout(() => void retake(), againMs).unref();
      });
      await client.connect();
      const wanted = mode === 'alone' ? 'pg_try_advisory_lock' : 'pg_try_advisory_lock_shared';
      const { rows } = await client.query<{ held: boolean }>(`select ${wanted}(${advisoryKey}) as held`);
      if (rows[0]?.held !== true) throw inUse(mode);
      return client;
    } catch (error) {
      await client?.end().catch(() => undefined);
      throw error instanceof Fault
        ? error
        : new Fault('db.unreachable', 'PostgreSQL does not answer', { cause: error });
    }
  };
  let client = await take();
  const retake = async (): Promise<void> => {
    try {
      const next = await take();
      if (released) await next.end();
      else client = next;
    } catch {
      if (!released) timer = setTimeout(() => void retake(), againMs).unref();
    }
  };
  return {
    release: async () => {
      released = true;
      clearTimeout(timer);
      await client.end().catch(() => undefined);
    },
  };
}

/** Throws `db.in-use` where others are there and may not be, or one is there alone; `db.unreachable`. */
export async function holdDatabase(location: SqliteLocation | PostgresLocation, mode: HoldMode): Promise<Hold> {
  return 'file' in location ? holdFile(location.file, mode) : await holdServer(location.url, mode);
}
