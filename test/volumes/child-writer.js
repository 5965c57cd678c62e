// A process that writes to a volume until it is killed: it says each step before (`b`) and after (`a`) it is done.
import { readFileSync, writeSync } from 'node:fs';
import { openVolumes } from '../../dist/src/volumes/volumes.js';

const [dataDir, planPath, from] = process.argv.slice(2);
const { imageSize, manifestId, initiator, steps } = JSON.parse(readFileSync(planPath, 'utf8'));

const image = {
  manifestId,
  size: imageSize,
  isZeroChunk: () => false,
  readChunk: async (index) => Buffer.alloc(Math.min(262144, imageSize - index * 262144), index + 1),
  close: async () => undefined,
};

const volumes = await openVolumes({
  dataDir,
  images: { open: async () => image },
  now: () => new Date(),
  randomness: (bytes) => Buffer.from(crypto.getRandomValues(new Uint8Array(bytes))),
  iqnPrefix: 'iqn.2026-01.org.example',
});
const [volume] = volumes.list({ tag: 'main' });
const uuid = (volume ?? (await volumes.create({ kind: 'machine', image: 'one', tag: 'main' }))).uuid;
const { iqn } = await volumes.attach({ volume: uuid, initiator, mode: 'read-write' });
const { device } = await volumes.findTarget(iqn, initiator);

for (const [index, step] of steps.entries()) {
  if (index < Number(from)) continue;
  writeSync(1, `b${index}\n`);
  if (step.kind === 'write') await device.write(step.offset, Buffer.alloc(step.length, step.fill));
  else if (step.kind === 'unmap') await device.unmap(step.offset, step.length);
  else if (step.kind === 'flush') await device.flush();
  else if (step.kind === 'snapshot') await volumes.snapshot(uuid);
  else await volumes.clone({ source: uuid });
  writeSync(1, `a${index}\n`);
}
