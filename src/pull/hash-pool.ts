// Threads that take MD5, SHA-1, SHA-256 and SHA-512 over streams at once, each one of them, so that the event loop stays free.
import { Worker } from 'node:worker_threads';
import { type ChecksumAlgorithm, checksumAlgorithms } from '../metadata/model.ts';
import { createHashStream, type HashReply, type HashStream } from './hash-stream.ts';

const opensslNames = { 'MD5': 'md5', 'SHA-1': 'sha1', 'SHA-256': 'sha256', 'SHA-512': 'sha512' } as const;

export interface HashPool {
  stream(): HashStream;
  /** Ends the threads. */
  close(): Promise<void>;
}

interface Reply extends HashReply {
  readonly stream: number;
}

interface Team {
  readonly algorithm: ChecksumAlgorithm;
  readonly worker: Worker;
}

/** The threads start with the first stream. */
export function createHashPool(): HashPool {
  let workers: readonly Team[] | undefined;
  const listeners = new Map<number, (algorithm: ChecksumAlgorithm, reply: HashReply | Error) => void>();
  let streams = 0;

  function start(): readonly Team[] {
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

  return {
    stream() {
      const team = start();
      const id = (streams += 1);
      // Idle threads do not keep the process alive; those that somebody waits for do.
      if (listeners.size === 0) for (const { worker } of team) worker.ref();
      return createHashStream({
        threads: team.length,
        post(message) {
          for (const { worker } of team) worker.postMessage({ stream: id, ...message }, []);
        },
        listen: (listener) => void listeners.set(id, listener),
        forget() {
          listeners.delete(id);
          if (listeners.size === 0) for (const { worker } of team) worker.unref();
        },
      });
    },
    async close() {
      const team = workers ?? [];
      workers = undefined;
      await Promise.all(team.map(({ worker }) => worker.terminate()));
    },
  };
}
