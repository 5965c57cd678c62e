// One clone of Mintmark, under load: through its block device, as the iSCSI target uses it.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { type Volumes } from '../../src/volumes/volumes.ts';

const initiator = 'iqn.1993-08.org.debian:01:bench';

export interface LoadedDisk {
  /** Reads the disk once in pieces of that many bytes, one at a time, in a scattered order; pieces per second. */
  read(bytes: number): Promise<number>;
  /** Writes a piece at each multiple of `step`, one at a time, then flushes; pieces per second. */
  write(bytes: number, step: number): Promise<number>;
  /** Space that the clone takes, without its image. */
  spaceBytes(): number;
}

export async function openMintmark(
  volumes: Volumes,
  size: number,
  folder: string,
): Promise<LoadedDisk & { close(): Promise<void> }> {
  const { uuid } = await volumes.create({ kind: 'machine', image: String(size) });
  const { iqn, id } = await volumes.attach({ volume: uuid, initiator, mode: 'read-write' });
  const target = await volumes.findTarget(iqn, initiator);
  if (typeof target === 'string') throw new Error(target);
  const { device } = target;
  const warm = Buffer.alloc(1024 * 1024);
  for (let at = 0; at < size; at += warm.length) await device.read(at, warm);
  return {
    async read(bytes) {
      const into = Buffer.alloc(bytes);
      const pieces = size / bytes;
      const begun = performance.now();
      for (let index = 0; index < pieces; index += 1) {
        const later = device.read(((index * 7919) % pieces) * bytes, into);
        if (later !== undefined) await later;
      }
      return pieces / ((performance.now() - begun) / 1000);
    },
    async write(bytes, step) {
      const data = Buffer.alloc(bytes, 0x5a);
      const begun = performance.now();
      for (let at = 0; at < size; at += step) {
        const later = device.write(at, data);
        if (later !== undefined) await later;
      }
      await device.flush();
      return size / step / ((performance.now() - begun) / 1000);
    },
    spaceBytes: () => {
      const output = execFileSync('du', ['-s', '-B1', join(folder, 'volumes', uuid)], { encoding: 'utf8' });
      return Number.parseInt(output, 10);
    },
    async close() {
      await target.release();
      await volumes.detach(id);
      await volumes.delete(uuid);
    },
  };
}
