// Verifiers in threads of their own, with a limit of time and memory: a hostile document cannot hold up the server.
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { builtModule } from '../metadata/built-module.ts';
import { documentLimits } from '../xml/limits.ts';
import { refuseLarge } from './examine.ts';
import { packSettings, type SentSettings, type VerifyOrder, type VerifyReply } from './pool-protocol.ts';
import { type DocumentReport, type VerifyDocument } from './report.ts';
import { type TrustSettings } from './settings.ts';

export interface PoolLimits {
  /** Threads; as many as there are cores, and at most four, where it is left out. */
  readonly threads?: number;
  /** Milliseconds that one document may take; 2,000 where it is left out. */
  readonly timeLimit?: number;
  /** MiB of JavaScript heap of one thread; 128 where it is left out. */
  readonly heap?: number;
}

export interface VerifierPool {
  readonly verify: VerifyDocument;
  /** Ends the threads. Documents that are still being checked are refused. */
  close(): Promise<void>;
}

interface Job {
  readonly order: VerifyOrder;
  readonly resolve: (report: DocumentReport) => void;
  readonly reject: (error: Error) => void;
}

/** Documents that a thread has at once: one in work, one waiting so that it never idles. */
const depth = 2;

function refused(code: string, message: string): DocumentReport {
  return {
    valid: false,
    steps: [{ code: 'time-limit', title: 'the check ended in time', outcome: 'failed' }],
    failures: [{ code, element: 'rdf:RDF', line: 1, message }],
  };
}

/** One thread and its documents, the first of which is in work. A thread that hangs or dies is replaced by a new one. */
class Lane {
  readonly jobs: Job[] = [];
  readonly #settings: SentSettings;
  readonly #timeLimit: number;
  readonly #heap: number;
  readonly #whenFree: () => void;
  #worker: Worker;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  /** The time limit is for documents; a thread may take longer to load. */
  #ready = false;

  constructor(settings: SentSettings, limits: Required<PoolLimits>, whenFree: () => void) {
    this.#settings = settings;
    this.#timeLimit = limits.timeLimit;
    this.#heap = limits.heap;
    this.#whenFree = whenFree;
    this.#worker = this.#start();
  }

  give(job: Job): void {
    this.jobs.push(job);
    if (this.jobs.length === 1) this.#watch();
    this.#worker.postMessage(job.order, []);
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    for (const job of this.jobs.splice(0))
      job.resolve(refused('time-limit', 'The server is shutting down; try again.'));
    await this.#worker.terminate();
  }

  #start(): Worker {
    const worker = new Worker(builtModule('./pool-worker.js', import.meta.url), {
      workerData: this.#settings,
      resourceLimits: { maxOldGenerationSizeMb: this.#heap },
    });
    worker.unref();
    worker.on('message', (reply: VerifyReply) => {
      // What comes while it is being ended must not let go of it: the process might end before it has.
      if (this.#closed || worker !== this.#worker) return;
      if ('ready' in reply) {
        this.#ready = true;
        this.#watch();
        return;
      }
      const job = this.jobs.shift();
      this.#watch();
      if ('report' in reply) job?.resolve(reply.report);
      else job?.reject(new Error(reply.error));
      this.#whenFree();
    });
    worker.on('error', (error) => {
      if (worker === this.#worker) this.#replace((job) => job.reject(error));
    });
    return worker;
  }

  #watch(): void {
    clearTimeout(this.#timer);
    if (this.jobs.length === 0) {
      this.#worker.unref();
      return;
    }
    this.#worker.ref();
    if (!this.#ready) return;
    const [job] = this.jobs;
    this.#timer = setTimeout(() => {
      // Where this thread itself was held up, the answer may be here already, unread: let it be read first.
      setImmediate(() => {
        if (job === undefined || this.jobs[0] !== job) return;
        this.#replace((each) =>
          each.resolve(
            refused('time-limit', `The document took more than ${this.#timeLimit} ms to check; send a plainer one.`),
          ),
        );
      });
    }, this.#timeLimit);
  }

  /** Ends the thread, answers for the document it was at, and gives the others to a new thread. */
  #replace(answer: (job: Job) => void): void {
    if (this.#closed) return;
    void this.#worker.terminate();
    const [first, ...others] = this.jobs.splice(0);
    this.#ready = false;
    this.#worker = this.#start();
    if (first) answer(first);
    for (const job of others) this.give(job);
    this.#watch();
    this.#whenFree();
  }
}

/** Starts the threads. The settings' clock is asked here, once for each document. */
export function openVerifierPool(settings: TrustSettings, limits: PoolLimits = {}): VerifierPool {
  const { threads = Math.min(4, availableParallelism()), timeLimit = 2_000, heap = 128 } = limits;
  const sent = packSettings(settings);
  const waiting: Job[] = [];
  const lanes: Lane[] = [];
  const spread = (): void => {
    while (waiting.length > 0) {
      const lane = lanes.reduce((least, each) => (each.jobs.length < least.jobs.length ? each : least));
      if (lane.jobs.length >= depth) return;
      const job = waiting.shift();
      if (job) lane.give(job);
    }
  };
  for (let lane = 0; lane < threads; lane += 1) lanes.push(new Lane(sent, { threads, timeLimit, heap }, spread));
  return {
    verify: (document) =>
      new Promise((resolve, reject) => {
        // Copying what will not be looked at into a thread would be all that it costs.
        const large = refuseLarge(document, documentLimits);
        if (large) {
          resolve(large);
          return;
        }
        const order = { document, now: (settings.now?.() ?? new Date()).getTime() };
        waiting.push({ order, resolve, reject });
        spread();
      }),
    async close() {
      for (const job of waiting.splice(0))
        job.resolve(refused('time-limit', 'The server is shutting down; try again.'));
      await Promise.all(lanes.map((lane) => lane.close()));
    },
  };
}
