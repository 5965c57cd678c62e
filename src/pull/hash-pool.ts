// Takes MD5, SHA-1, SHA-256 and SHA-512 over streams at once, each on a thread of its own, so that the event loop stays free.
import { Worker } from 'node:worker_threads';
import { type ChecksumAlgorithm, checksumAlgorithms } from '../metadata/model.ts';

/** Bytes that are handed to the threads at a time. */
export const hashBlockBytes = 1024 * 1024;
const blocksPerStream = 6;

const opensslNames = { 'MD5': 'md5', 'SHA-1': 'sha1', 'SHA-256': 'sha256', 'SHA-512': 'sha512' } as const;

/** Lower-case hex, by algorithm. */
export type Digests = Readonly<Record<ChecksumAlgorithm, string>>;

export interface HashStream {
  /** Copies the bytes away and hashes them; waits only while the threads are behind. */
  update(bytes: Buffer): Promise<void>;
  digests(): Promise<Digests>;
  /** Forgets the stream. */
  drop(): void;
}

export interface HashPool {
  stream(): HashStream;
  /** Ends the threads. */
  close(): Promise<void>;
}

interface Reply {
  readonly stream: number;
  readonly digest?: string;
}

/** The threads start with the first stream. */
export function createHashPool(): HashPool {
  let workers: readonly { readonly algorithm: ChecksumAlgorithm; readonly worker: Worker }[] | undefined;
  const listeners = new Map<number, (algorithm: ChecksumAlgorithm, reply: Reply | Error) => void>();
  let streams = 0;

  function start(): readonly { readonly algorithm: ChecksumAlgorithm; readonly worker: Worker }[] {
    workers ??= checksumAlgorithms.map((algorithm) => {
      const worker = new Worker(new URL('hash-worker.js', import.meta.url), {
        workerData: { algorithm: opensslNames[algorithm] },
        // What this process was started with is not for a thread that only hashes.
        execArgv: [],
      });
      worker.unref();
      worker.on('message', (reply: Reply) => listeners.get(reply.stream)?.(algorithm, reply));
      worker.on('error', (error: Error) => {
        workers = undefined;
        for (const listener of listeners.values()) listener(algorithm, error);
      });
      return { algorithm, worker };
    });
    return workers;
  }

  function stream(): HashStream {
    const team = start();
    const id = (streams += 1);
    const free: SharedArrayBuffer[] = [];
    const pending: { readonly block: SharedArrayBuffer; left: number }[] = [];
    const answered = new Map<ChecksumAlgorithm, number>();
    const digests = new Map<ChecksumAlgorithm, string>();
    let made = 0;
    let released = 0;
    let filling: { readonly block: SharedArrayBuffer; bytes: number } | undefined;
    const state: { failure?: Error; wake?: () => void } = {};

    // Idle threads do not keep the process alive; those that somebody waits for do.
    if (listeners.size === 0) for (const { worker } of team) worker.ref();
    listeners.set(id, (algorithm, reply) => {
      if (reply instanceof Error) state.failure = reply;
      else if (reply.digest !== undefined) digests.set(algorithm, reply.digest);
      else {
        // Each thread answers in order, so its n-th answer is about the n-th block.
        const number = answered.get(algorithm) ?? 0;
        answered.set(algorithm, number + 1);
        const block = pending[number - released];
        if (block !== undefined) block.left -= 1;
        while (pending[0]?.left === 0) {
          const done = pending.shift();
          released += 1;
          if (done !== undefined) free.push(done.block);
        }
      }
      state.wake?.();
    });
    const change = (): Promise<void> =>
      new Promise((resolve) => {
        state.wake = resolve;
      });

    async function freeBlock(): Promise<SharedArrayBuffer> {
      for (;;) {
        if (state.failure !== undefined) throw state.failure;
        const block = free.pop();
        if (block !== undefined) return block;
        if (made < blocksPerStream) {
          made += 1;
          return new SharedArrayBuffer(hashBlockBytes);
        }
        await change();
      }
    }

    function send(): void {
      if (filling === undefined) return;
      const { block, bytes } = filling;
      filling = undefined;
      pending.push({ block, left: team.length });
      for (const { worker } of team) worker.postMessage({ stream: id, block, bytes }, []);
    }

    function forget(): void {
      listeners.delete(id);
      if (listeners.size === 0) for (const { worker } of team) worker.unref();
    }

    return {
      async update(bytes) {
        for (let at = 0; at < bytes.length;) {
          filling ??= { block: await freeBlock(), bytes: 0 };
          const taken = Math.min(bytes.length - at, hashBlockBytes - filling.bytes);
          new Uint8Array(filling.block, filling.bytes, taken).set(bytes.subarray(at, at + taken));
          filling.bytes += taken;
          at += taken;
          if (filling.bytes === hashBlockBytes) send();
        }
      },
      async digests() {
        send();
        for (const { worker } of team) worker.postMessage({ stream: id, end: 'digest' }, []);
        while (digests.size < team.length && state.failure === undefined) await change();
        forget();
        if (state.failure !== undefined) throw state.failure;
        return Object.fromEntries(digests) as Digests;
      },
      drop() {
        forget();
        for (const { worker } of team) worker.postMessage({ stream: id, end: 'drop' }, []);
      },
    };
  }

  return {
    stream,
    async close() {
      const team = workers ?? [];
      workers = undefined;
      await Promise.all(team.map(({ worker }) => worker.terminate()));
    },
  };
}
