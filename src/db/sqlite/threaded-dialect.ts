// SQLite for a server: one thread writes, others read, and the thread that serves never waits for the disk.
import {
  CompiledQuery,
  SelectQueryNode,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
} from 'kysely';
import { ConnectionThread } from './connection-thread.ts';
import { readerPragmas, writerPragmas } from './pragmas.ts';

/** Whether a query only reads: those of the builder that select, and texts that begin so. Readers refuse to write. */
function reads({ query, sql }: CompiledQuery): boolean {
  return SelectQueryNode.is(query) || /^\s*(?:select|with)\b/iu.test(sql);
}

/** Lets one after the other in. */
class Turns {
  readonly #waiting: (() => void)[] = [];
  #taken = false;

  /** Resolves when it is this one's turn, which lasts until {@link end}. */
  take(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#taken) {
        this.#waiting.push(resolve);
      } else {
        this.#taken = true;
        resolve();
      }
    });
  }

  end(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#taken = false;
    else next();
  }
}

/** What kysely holds between acquiring and releasing: single statements, or one transaction. */
class SharedConnection implements DatabaseConnection {
  readonly #driver: ThreadedDriver;
  inTransaction = false;

  constructor(driver: ThreadedDriver) {
    this.#driver = driver;
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const { writer, turns } = this.#driver;
    if (this.inTransaction) return writer.executeQuery<R>(query);
    if (reads(query)) return this.#driver.idlestReader().executeQuery<R>(query);
    await turns.take();
    try {
      return await writer.executeQuery<R>(query);
    } finally {
      turns.end();
    }
  }

  streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error('rows are not streamed between threads');
  }
}

class ThreadedDriver implements Driver {
  readonly writer: ConnectionThread;
  readonly turns = new Turns();
  readonly #file: string;
  readonly #count: number;
  #readers: readonly ConnectionThread[] = [];

  constructor(file: string, readers: number) {
    this.#file = file;
    this.#count = readers;
    this.writer = new ConnectionThread(file, writerPragmas);
  }

  async init(): Promise<void> {
    // The writer makes the file, so that readers find it.
    await this.writer.executeQuery(CompiledQuery.raw('select 1'));
    this.#readers = Array.from({ length: this.#count }, () => new ConnectionThread(this.#file, readerPragmas));
  }

  idlestReader(): ConnectionThread {
    return this.#readers.reduce(
      (least, each) => (each.load < least.load ? each : least),
      this.#readers[0] ?? this.writer,
    );
  }

  acquireConnection(): Promise<DatabaseConnection> {
    return Promise.resolve(new SharedConnection(this));
  }

  async beginTransaction(connection: DatabaseConnection): Promise<void> {
    const shared = connection as SharedConnection;
    await this.turns.take();
    try {
      await this.writer.executeQuery(CompiledQuery.raw('begin immediate'));
      shared.inTransaction = true;
    } catch (error) {
      this.turns.end();
      throw error;
    }
  }

  commitTransaction(connection: DatabaseConnection): Promise<void> {
    return this.#endTransaction(connection, 'commit');
  }

  rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    return this.#endTransaction(connection, 'rollback');
  }

  releaseConnection(): Promise<void> {
    return Promise.resolve();
  }

  async destroy(): Promise<void> {
    await Promise.all(this.#readers.map((reader) => reader.close()));
    await this.writer.close();
  }

  async #endTransaction(connection: DatabaseConnection, how: 'commit' | 'rollback'): Promise<void> {
    const shared = connection as SharedConnection;
    let ended = how === 'rollback';
    try {
      await this.writer.executeQuery(CompiledQuery.raw(how));
      ended = true;
    } finally {
      // A commit that fails is followed by a rollback.
      if (ended) {
        shared.inTransaction = false;
        this.turns.end();
      }
    }
  }
}

/** A dialect whose statements run in threads: `readers` that select, one that does the rest, one transaction at a time. */
export function threadedSqlite(file: string, readers: number): Dialect {
  return {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new ThreadedDriver(file, readers),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  };
}
