// The near end of a connection in a thread: statements go there, and rows come back in the order of the statements.
import { Worker } from 'node:worker_threads';
import { type CompiledQuery, type DatabaseConnection, type QueryResult } from 'kysely';

/** `text` left out: close the connection. */
interface Order {
  readonly text?: string;
  readonly parameters?: readonly unknown[];
}

type Row = Record<string, unknown>;

type Answer =
  | { readonly rows: Row[]; readonly changes?: number; readonly insertId?: number | bigint }
  | { readonly message: string; readonly code?: string };

interface Waiting {
  readonly resolve: (answer: Extract<Answer, { readonly rows: Row[] }>) => void;
  readonly reject: (error: Error) => void;
}

/** Bytes lose their class on the way between threads. */
function withBuffers(rows: Row[]): Row[] {
  const [first] = rows;
  if (first === undefined) return rows;
  for (const row of rows) {
    for (const [name, value] of Object.entries(row)) {
      if (value instanceof Uint8Array) row[name] = Buffer.from(value.buffer, value.byteOffset, value.length);
    }
  }
  return rows;
}

/** Buffers are often small parts of a shared piece of memory, all of which would be sent. */
const packed = (value: unknown): unknown => (Buffer.isBuffer(value) ? new Uint8Array(value) : value);

export class ConnectionThread implements DatabaseConnection {
  readonly #worker: Worker;
  readonly #waiting: Waiting[] = [];
  #failure: Error | undefined;

  constructor(file: string, pragmas: readonly string[]) {
    const options = { workerData: { file, pragmas }, execArgv: [] };
    this.#worker = new Worker(new URL('connection-worker.js', import.meta.url), options);
    this.#worker.unref();
    this.#worker.on('message', (answer: Answer) => {
      const first = this.#waiting.shift();
      if (this.#waiting.length === 0) this.#worker.unref();
      if ('rows' in answer) first?.resolve(answer);
      else first?.reject(Object.assign(new Error(answer.message), { code: answer.code }));
    });
    this.#worker.on('error', (error) => this.#fail(error instanceof Error ? error : new Error(String(error))));
    this.#worker.on('exit', () => this.#fail(new Error('the connection to the database is closed')));
  }

  /** Statements that have not been answered. */
  get load(): number {
    return this.#waiting.length;
  }

  async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    const { rows, changes, insertId } = await this.#send({ text: sql, parameters: parameters.map(packed) });
    return {
      rows: withBuffers(rows) as R[],
      ...(changes === undefined ? {} : { numAffectedRows: BigInt(changes) }),
      ...(insertId === undefined ? {} : { insertId: BigInt(insertId) }),
    };
  }

  streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error('rows are not streamed between threads');
  }

  async close(): Promise<void> {
    if (this.#failure === undefined) await this.#send({});
    await this.#worker.terminate();
  }

  #send(order: Order): Promise<Extract<Answer, { readonly rows: Row[] }>> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) {
        reject(this.#failure);
        return;
      }
      if (this.#waiting.length === 0) this.#worker.ref();
      this.#waiting.push({ resolve, reject });
      this.#worker.postMessage(order, []);
    });
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}
