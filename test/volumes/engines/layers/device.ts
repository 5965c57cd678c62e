// Opens the layers of a test disk, and what a test says of it: a model that is a plain buffer.
import * as fc from 'fast-check';
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

/** Does one step to a model of the disk. */
export function applyToModel(model: Buffer, step: Step): void {
  if (step.kind === 'write') dataOf(step).copy(model, step.offset);
  if (step.kind === 'unmap' || step.kind === 'zero') model.fill(0, step.offset, step.offset + step.length);
}

/** Does one step to the disk; reopening is the caller's. */
export async function applyToDevice(device: CopyOnWriteDevice, step: Step): Promise<void> {
  switch (step.kind) {
    case 'write': {
      const data = dataOf(step);
      const pending = device.write(step.offset, data);
      // The buffer is the caller's again, however long the device takes.
      data.fill(0xee);
      await pending;
      break;
    }
    case 'unmap':
      await device.unmap(step.offset, step.length);
      break;
    case 'zero':
      await device.writeZeroes(step.offset, step.length);
      break;
    case 'flush':
      await device.flush();
      break;
    case 'checkpoint':
      await device.top.head.checkpoint();
      break;
    case 'read':
    case 'reopen':
      break;
  }
}

/** Steps for a disk of that many sectors: ragged ones, and ones that begin and end with blocks. */
export function anyStep(sectors: number, longest = 60): fc.Arbitrary<Step> {
  const ragged = fc.record({ at: fc.nat(sectors - 1), count: fc.integer({ min: 1, max: longest }) });
  const aligned = ragged.map(({ at, count }) => ({ at: at - (at % 8), count: Math.ceil(count / 8) * 8 }));
  const span = fc
    .oneof(ragged, aligned)
    .map(({ at, count }) => ({ offset: at * 512, length: Math.min(count, sectors - at) * 512 }));
  const fill = fc.integer({ min: 1 });
  return fc.oneof(
    {
      weight: 6,
      arbitrary: fc
        .tuple(span, fill)
        .map(([{ offset, length }, value]): Step => ({ kind: 'write', offset, length, fill: value })),
    },
    { weight: 2, arbitrary: span.map(({ offset, length }): Step => ({ kind: 'unmap', offset, length })) },
    { weight: 1, arbitrary: span.map(({ offset, length }): Step => ({ kind: 'zero', offset, length })) },
    { weight: 3, arbitrary: span.map(({ offset, length }): Step => ({ kind: 'read', offset, length })) },
    { weight: 2, arbitrary: fc.constantFrom<Step>({ kind: 'flush' }, { kind: 'checkpoint' }, { kind: 'reopen' }) },
  );
}
