// Opens the layers of a test disk, and what a test says of it: a model that is a plain buffer.
import { type BlockDevice } from '../../../../src/block/device.ts';
import { type StorageFiles } from '../../../../src/volumes/files.ts';
import { CopyOnWriteDevice } from '../../../../src/volumes/engines/layers/copy-on-write.ts';
import { Head } from '../../../../src/volumes/engines/layers/head.ts';
import { type Layer } from '../../../../src/volumes/engines/layers/layer.ts';
import { Overlay } from '../../../../src/volumes/engines/layers/overlay.ts';

export const salt = 0x1234_5678_9abc;

export async function openDevice(
  files: StorageFiles,
  directory: string,
  parent: Layer,
  size: number,
): Promise<CopyOnWriteDevice> {
  const head = await Head.open({ files, directory, salt });
  return new CopyOnWriteDevice(new Overlay(head, parent), size, () => head.close());
}

export async function readAll(device: BlockDevice): Promise<Buffer> {
  const bytes = Buffer.alloc(device.size, 0xee);
  await device.read(0, bytes);
  return bytes;
}

export type Step =
  | { readonly kind: 'write'; readonly offset: number; readonly length: number; readonly fill: number }
  | { readonly kind: 'unmap' | 'zero' | 'read'; readonly offset: number; readonly length: number }
  | { readonly kind: 'flush' | 'checkpoint' | 'reopen' };

/** Bytes of a write that differ from place to place. */
export function dataOf(step: { readonly length: number; readonly fill: number }): Buffer {
  const data = Buffer.alloc(step.length);
  for (let at = 0; at < step.length; at += 4) data.writeUInt32LE((Math.imul(at + 7, step.fill) + step.fill) >>> 0, at);
  return data;
}
