// Takes one digest over many streams of shared blocks, on a thread of its own. Plain JavaScript: a worker is loaded as it lies.
import { createHash } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';

const { algorithm } = workerData;
const streams = new Map();

/** The digest of each whole chunk, one after another. */
function chunkDigests(bytes, chunkBytes) {
  const digests = [];
  for (let at = 0; at + chunkBytes <= bytes.length; at += chunkBytes) {
    digests.push(
      createHash(algorithm)
        .update(bytes.subarray(at, at + chunkBytes))
        .digest(),
    );
  }
  return Buffer.concat(digests);
}

parentPort.on('message', ({ stream, block, bytes, chunkBytes, end }) => {
  if (end === 'drop') {
    streams.delete(stream);
    return;
  }
  const hash = streams.get(stream) ?? createHash(algorithm);
  if (end === 'digest') {
    streams.delete(stream);
    parentPort.postMessage({ stream, digest: hash.digest('hex') }, []);
    return;
  }
  const view = new Uint8Array(block, 0, bytes);
  streams.set(stream, hash.update(view));
  const chunks = chunkBytes > 0 && algorithm === 'sha256' ? chunkDigests(view, chunkBytes) : undefined;
  parentPort.postMessage({ stream, chunks }, []);
});
