// A thread that signs documents, a range of numbers at a time.
import { parentPort, workerData } from 'node:worker_threads';
import { signedDocument, signersOf, type EndorserKey } from './documents.ts';

export interface CorpusSettings {
  readonly seed: number;
  readonly keys: readonly EndorserKey[];
}

export interface CorpusOrder {
  readonly first: number;
  readonly end: number;
}

const { seed, keys } = workerData as CorpusSettings;
const signers = signersOf(keys);

parentPort?.on('message', ({ first, end }: CorpusOrder) => {
  const documents: Uint8Array[] = [];
  for (let number = first; number < end; number += 1) documents.push(signedDocument(seed, number, signers));
  parentPort?.postMessage(documents, []);
});
