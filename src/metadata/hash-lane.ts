// Hashing beside the reading thread: pieces in shared memory, each hashed by several threads before it is used again.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { builtModule } from './built-module.ts';
import { type ChecksumAlgorithm } from './model.ts';

export interface HashTask {
  readonly algorithms: readonly ChecksumAlgorithm[];
  readonly slots: readonly SharedArrayBuffer[];
}

export type HashOrder =
  { readonly kind: 'piece'; readonly slot: number; readonly bytes: number } | { readonly kind: 'end' };

export type HashReply =
  | { readonly kind: 'free'; readonly slot: number }
  | { readonly kind: 'digests'; readonly digests: readonly (readonly [ChecksumAlgorithm, string])[] };

/** Bytes of one piece, and how many are on their way at once. */
const pieceBytes = 1024 * 1024;
const slotCount = 8;

/** Which algorithms share a thread: of about equal cost on two cores, one each on more. */
function lanesFor(cores: number): readonly (readonly ChecksumAlgorithm[])[] {
  return cores >= 4
    ? [['MD5'], ['SHA-1'], ['SHA-256'], ['SHA-512']]
    : [
        ['MD5', 'SHA-1'],
        ['SHA-256', 'SHA-512'],
      ];
}

export interface HashLanes {
  /** A free piece of memory to fill; waits until every thread is done with it. */
  take(): Promise<{ readonly slot: number; readonly memory: Uint8Array }>;
  /** Hashes the first `bytes` of a piece that was taken. */
  give(slot: number, bytes: number): void;
  /** The digests of everything given. */
  digests(): Promise<readonly (readonly [ChecksumAlgorithm, string])[]>;
  /** Ends the threads, whether or not they are done. */
  close(): Promise<void>;
}

/** Starts the threads. A failure of one of them rejects whatever is waited for. */
export function openHashLanes(cores: number): HashLanes {
  const slots = Array.from({ length: slotCount }, () => new SharedArrayBuffer(pieceBytes));
  const users = slots.map(() => 0);
  const found: (readonly [ChecksumAlgorithm, string])[] = [];
  let failure: Error | undefined;
  let wake: (() => void) | undefined;
  const changed = (): Promise<void> =>
    new Promise((resolve) => {
      wake = resolve;
    });
  const workers = lanesFor(cores).map((algorithms) => {
    const workerData: HashTask = { algorithms, slots };
    const worker = new Worker(builtModule('./hash-worker.js', import.meta.url), { workerData });
    worker.on('message', (reply: HashReply) => {
      if (reply.kind === 'free') users[reply.slot] = (users[reply.slot] ?? 0) - 1;
      else found.push(...reply.digests);
      wake?.();
    });
    worker.on('error', (error) => {
      failure = error;
      wake?.();
    });
    return worker;
  });
  const tell = (order: HashOrder): void => {
    for (const worker of workers) worker.postMessage(order, []);
  };
  const until = async <Result>(look: () => Result | undefined): Promise<Result> => {
    for (;;) {
      if (failure) throw failure;
      const result = look();
      if (result !== undefined) return result;
      await changed();
    }
  };
  return {
    take: () =>
      until(() => {
        const slot = users.indexOf(0);
        const memory = slots[slot];
        return memory && { slot, memory: new Uint8Array(memory) };
      }),
    give(slot, bytes) {
      users[slot] = workers.length;
      tell({ kind: 'piece', slot, bytes });
    },
    digests() {
      tell({ kind: 'end' });
      return until(() => (found.length >= 4 ? found : undefined));
    },
    async close() {
      await Promise.all(
        workers.map(async (worker) => {
          const ended = once(worker, 'exit');
          await worker.terminate();
          await ended;
        }),
      );
    },
  };
}
