// The thread behind measureImage: hashes the pieces that it is told of, in order, with some of the algorithms.
import { createHash } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { type HashOrder, type HashReply, type HashTask } from './hash-lane.ts';

const { algorithms, slots } = workerData as HashTask;
const hashes = algorithms.map((name) => [name, createHash(name.toLowerCase().replace('-', ''))] as const);

parentPort?.on('message', (order: HashOrder) => {
  let reply: HashReply;
  if (order.kind === 'piece') {
    const piece = new Uint8Array(slots[order.slot] ?? new SharedArrayBuffer(0), 0, order.bytes);
    for (const [, hash] of hashes) hash.update(piece);
    reply = { kind: 'free', slot: order.slot };
  } else {
    reply = { kind: 'digests', digests: hashes.map(([name, hash]) => [name, hash.digest('hex')] as const) };
  }
  parentPort?.postMessage(reply, []);
});
