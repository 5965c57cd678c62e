// A file of many signed documents, made by several threads: a length of four bytes before each.
import { once } from 'node:events';
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { CorpusOrder, CorpusSettings } from './corpus-worker.ts';
import { makeEndorsers } from './documents.ts';

/** Documents that a thread signs between two messages. */
const batch = 200;

interface CorpusPlan {
  readonly seed: number;
  readonly documents: number;
  readonly endorsers: number;
}

/** Writes the documents in the order of their numbers. */
async function writeCorpus(file: string, { seed, documents, endorsers }: CorpusPlan): Promise<void> {
  const settings: CorpusSettings = { seed, keys: await makeEndorsers(endorsers) };
  const threads = Array.from(
    { length: availableParallelism() },
    () => new Worker(new URL('corpus-worker.js', import.meta.url), { workerData: settings }),
  );
  const out = createWriteStream(file);
  const write = async (signed: readonly Uint8Array[]): Promise<void> => {
    for (const document of signed) {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(document.length);
      out.write(length);
      if (!out.write(document)) await once(out, 'drain');
    }
  };
  try {
    for (let first = 0; first < documents; first += batch * threads.length) {
      const rounds = threads.flatMap((thread, index) => {
        const order: CorpusOrder = {
          first: first + index * batch,
          end: Math.min(documents, first + (index + 1) * batch),
        };
        if (order.first >= order.end) return [];
        thread.postMessage(order, []);
        return [once(thread, 'message')];
      });
      for (const [signed] of await Promise.all(rounds)) await write(signed as readonly Uint8Array[]);
    }
    out.end();
    await once(out, 'close');
  } finally {
    await Promise.all(threads.map((thread) => thread.terminate()));
  }
}

interface KeptCorpus {
  readonly file: string;
  /** It was there already. */
  readonly found: boolean;
}

/** The file of these documents in a folder; made there, whole or not at all, where it is missing. */
export async function keptCorpus(folder: string, plan: CorpusPlan): Promise<KeptCorpus> {
  const file = join(folder, `seed-${plan.seed}-documents-${plan.documents}-endorsers-${plan.endorsers}`);
  if (existsSync(file)) return { file, found: true };
  await mkdir(folder, { recursive: true });
  await writeCorpus(`${file}.part`, plan);
  await rename(`${file}.part`, file);
  return { file, found: false };
}

/** The documents of a file, one after the other. */
export async function* readCorpus(file: string): AsyncGenerator<Buffer> {
  let waiting = Buffer.alloc(0);
  for await (const piece of createReadStream(file, { highWaterMark: 1024 * 1024 })) {
    waiting = Buffer.concat([waiting, piece as Buffer]);
    let at = 0;
    while (waiting.length - at >= 4 && waiting.length - at - 4 >= waiting.readUInt32BE(at)) {
      const length = waiting.readUInt32BE(at);
      yield Buffer.from(waiting.subarray(at + 4, at + 4 + length));
      at += 4 + length;
    }
    waiting = waiting.subarray(at);
  }
}
