// Serves a copy-on-write clone of a file, a disk whose vault is slow, and one that has nothing to read: to be measured.
// Run by ../iscsi.ts: disks-worker.js FILE FOLDER
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { type BlockDevice } from '../../src/block/device.ts';
import { createTarget } from '../../src/iscsi/target.ts';
import { chunkBytes, type StoredDisk } from '../../src/vault/stored-disk.ts';
import { openVolumes, type Volumes } from '../../src/volumes/volumes.ts';
import { benchChap, benchNames, vaultMilliseconds } from './names.ts';

const [, , file = '', folder = ''] = process.argv;
const initiator = 'iqn.2026-01.org.mintmark:bench-client';
const { size } = statSync(file);
const descriptor = openSync(file, 'r');

/** The file as an image in a vault that takes so long for a chunk. */
function imageOf(manifestId: string, milliseconds: number): StoredDisk {
  return {
    manifestId,
    size,
    isZeroChunk: () => false,
    async readChunk(index) {
      if (milliseconds > 0) await delay(milliseconds);
      const chunk = Buffer.alloc(Math.min(chunkBytes, size - index * chunkBytes));
      readSync(descriptor, chunk, 0, chunk.length, index * chunkBytes);
      return chunk;
    },
    close: () => Promise.resolve(),
  };
}

/** A clone's device, as an attachment hands it to the target. */
async function cloneOf(volumes: Volumes, image: string): Promise<BlockDevice> {
  const { uuid } = await volumes.create({ kind: 'machine', image });
  const { iqn } = await volumes.attach({ volume: uuid, initiator, mode: 'read-write' });
  const target = await volumes.findTarget(iqn, initiator);
  if (typeof target === 'string') throw new Error(target);
  return target.device;
}

/** Costs the target nothing but the wire: what is left is the load's own bound. */
const nothing: BlockDevice = {
  size,
  readOnly: false,
  read: () => undefined,
  write: () => undefined,
  flush: () => undefined,
  unmap: () => undefined,
  writeZeroes: () => undefined,
  extents: (offset, length) => [{ offset, length, allocation: 'data' }],
  close: () => Promise.resolve(),
};

const volumes = await openVolumes({
  dataDir: folder,
  images: { open: (id) => Promise.resolve(imageOf(id, id.startsWith('5') ? vaultMilliseconds : 0)) },
  now: () => new Date(),
  randomness: (bytes) => Buffer.from(crypto.getRandomValues(new Uint8Array(bytes))),
  iqnPrefix: 'iqn.2026-01.org.mintmark',
});
const clone = await cloneOf(volumes, 'c'.repeat(64));
const piece = Buffer.alloc(1024 * 1024);
for (let at = 0; at < size; at += piece.length)
  await clone.read(at, piece.subarray(0, Math.min(piece.length, size - at)));
const slow = await cloneOf(volumes, '5'.repeat(64));

const disks = new Map<string, BlockDevice>([
  [benchNames.clone, clone],
  [benchNames.hot, clone],
  [benchNames.slow, slow],
  [benchNames.nothing, nothing],
]);
const target = await createTarget({
  portals: [{ host: '127.0.0.1', port: 0 }],
  directory: {
    list: () => [...disks.keys()],
    login(name) {
      const device = disks.get(name);
      if (device === undefined) return { outcome: 'refused', reason: 'not-found' };
      const luns = new Map([[1, { device, identity: name, readOnly: false }]]);
      const chap = name === benchNames.hot || name === benchNames.slow ? { chap: benchChap } : {};
      return { outcome: 'granted', grant: { luns, ...chap, release: () => undefined } };
    },
  },
});
process.stdout.write(`${target.portals[0]?.port ?? 0}\n`);
process.once('SIGTERM', () => {
  void target
    .close()
    .then(() => volumes.close())
    .finally(() => {
      closeSync(descriptor);
      process.exit();
    });
});
