// Takes one digest over many streams of shared blocks, on a thread of its own. Plain JavaScript: a worker is loaded as it lies.
import { createHash } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';

const streams = new Map();

parentPort.on('message', ({ stream, block, bytes, end }) => {
  if (end === 'drop') {
    streams.delete(stream);
    return;
  }
  const hash = streams.get(stream) ?? createHash(workerData.algorithm);
  if (end === 'digest') {
    streams.delete(stream);
    parentPort.postMessage({ stream, digest: hash.digest('hex') }, []);
    return;
  }
  streams.set(stream, hash.update(new Uint8Array(block, 0, bytes)));
  parentPort.postMessage({ stream }, []);
});
