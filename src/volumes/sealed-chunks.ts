// The chunks of a sealed layer that the vault does not have yet from the disk below it.
import { chunkBytes } from '../vault/stored-disk.ts';
import { blockState } from './engines/layers/block-states.ts';
import { type Layer } from './engines/layers/layer.ts';
import { Overlay } from './engines/layers/overlay.ts';
import { blockBytes, blocksOf } from './geometry.ts';

const blocksPerChunk = chunkBytes / blockBytes;

/** The numbers of the chunks in which one of the overlays above `bottom` holds a block, in order. */
function* changedChunks(top: Layer, bottom: Layer, size: number): Generator<number> {
  const heads = [];
  for (let layer = top; layer !== bottom && layer instanceof Overlay; layer = layer.parent) heads.push(layer.head);
  const blocks = blocksOf(size);
  for (let first = 0; first < blocks; first += blocksPerChunk) {
    const count = Math.min(blocksPerChunk, blocks - first);
    const inherits = heads.every(
      ({ states }) => states.get(first) === blockState.inherit && states.runLength(first, count) === count,
    );
    if (!inherits) yield first / blocksPerChunk;
  }
}

/** The bytes of a chunk, read through the layers. */
export async function readChunk(layer: Layer, index: number, size: number): Promise<Buffer> {
  const offset = index * chunkBytes;
  const data = Buffer.allocUnsafe(Math.min(chunkBytes, size - offset));
  while (!layer.readNow(offset, data, 0, data.length)) await layer.fetch(offset, data.length);
  return data;
}

/**
 * What the overlays above `bottom` changed, chunk by chunk in order. The last chunk of a disk below that was shorter (bytes)
 * is given whole, for it has another length now.
 */
export async function* chunksToWrite(
  top: Layer,
  bottom: Layer,
  { size, parentSize }: { readonly size: number; readonly parentSize: number },
): AsyncGenerator<{ index: number; data: Buffer }> {
  const wasShort = parentSize % chunkBytes !== 0 && size !== parentSize;
  const lastOfParent = Math.floor(parentSize / chunkBytes);
  let given = !wasShort;
  for (const index of changedChunks(top, bottom, size)) {
    if (!given && index > lastOfParent) yield { index: lastOfParent, data: await readChunk(top, lastOfParent, size) };
    given ||= index >= lastOfParent;
    yield { index, data: await readChunk(top, index, size) };
  }
  if (!given) yield { index: lastOfParent, data: await readChunk(top, lastOfParent, size) };
}
