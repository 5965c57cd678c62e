// The thread behind the verifier pool: checks one document after the other.
import { parentPort, workerData } from 'node:worker_threads';
import { examine, examineTools } from './examine.ts';
import { unpackSettings, type SentSettings, type VerifyOrder, type VerifyReply } from './pool-protocol.ts';

const settings = unpackSettings(workerData as SentSettings);
const tools = examineTools();

const ready: VerifyReply = { ready: true };
parentPort?.postMessage(ready, []);

parentPort?.on('message', ({ document, now }: VerifyOrder) => {
  let reply: VerifyReply;
  try {
    reply = { report: examine(document, { ...settings, now: () => new Date(now) }, tools) };
  } catch (error) {
    reply = { error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
  parentPort?.postMessage(reply, []);
});
