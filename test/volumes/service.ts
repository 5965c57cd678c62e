// Opens a service of volumes over images in memory, in a folder of its own.
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BlockDevice } from '../../src/block/device.ts';
import { Fault } from '../../src/errors/fault.ts';
import { type VolumeVault } from '../../src/volumes/archive.ts';
import { openVolumes, type Volumes } from '../../src/volumes/volumes.ts';
import { type MemoryDisk, memoryDisk } from './memory-disk.ts';

export const initiator = 'iqn.1993-08.org.debian:01:one';
export const otherInitiator = 'iqn.1993-08.org.debian:01:two';
export const iqnPrefix = 'iqn.2026-01.org.example';

/** Bytes that look random, and are the same in every run. */
export function repeatableRandomness(): (bytes: number) => Buffer {
  let counter = 0;
  return (bytes) => {
    counter += 1;
    return createHash('sha512').update(String(counter)).digest().subarray(0, bytes);
  };
}

export interface Site {
  readonly folder: string;
  readonly images: Map<string, MemoryDisk>;
  readonly problems: unknown[];
  open(vault?: VolumeVault): Promise<Volumes>;
  remove(): void;
}

export function newSite(images: Readonly<Record<string, Buffer>>): Site {
  const folder = mkdtempSync(join(tmpdir(), 'mintmark-volumes-'));
  const disks = new Map(Object.entries(images).map(([identifier, bytes]) => [identifier, memoryDisk(bytes)]));
  const randomness = repeatableRandomness();
  const problems: unknown[] = [];
  return {
    folder,
    images: disks,
    problems,
    open: (vault) =>
      openVolumes({
        ...(vault === undefined ? {} : { vault }),
        onProblem: (problem) => problems.push(problem),
        dataDir: folder,
        images: {
          async open(identifier) {
            const disk = disks.get(identifier);
            if (disk === undefined) throw new Fault('not-found', `There is no image ${identifier}.`);
            return disk;
          },
        },
        now: () => new Date('2026-01-01T00:00:00Z'),
        randomness,
        iqnPrefix,
      }),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Attaches, logs in, and answers the device. */
export async function deviceOf(
  volumes: Volumes,
  volume: string,
  mode: 'read-write' | 'read-only' = 'read-write',
): Promise<{ device: BlockDevice; finish: () => Promise<void> }> {
  const attachment = await volumes.attach({ volume, initiator, mode });
  const target = await volumes.findTarget(attachment.iqn, initiator);
  if (typeof target === 'string') throw new Error(target);
  return {
    device: target.device,
    async finish() {
      await target.release();
      await volumes.detach(attachment.id);
    },
  };
}

/** The device of a volume that is attached and stays so, and therefore stays open. */
export async function attachedDevice(volumes: Volumes, volume: string): Promise<BlockDevice> {
  const attachment = await volumes.attach({ volume, initiator, mode: 'read-write' });
  const target = await volumes.findTarget(attachment.iqn, initiator);
  if (typeof target === 'string') throw new Error(target);
  await target.release();
  return target.device;
}

/** SHA-256 of bytes: a difference is told at once, and not byte by byte. */
export function digest(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** SHA-256 of all that a device holds. */
export async function digestOf(device: BlockDevice): Promise<string> {
  const bytes = Buffer.alloc(device.size, 0xee);
  await device.read(0, bytes);
  return digest(bytes);
}
