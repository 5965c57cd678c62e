// Merkle trees as transparency logs use them (RFC 6962 §2.1): hashes, roots and proofs over a source of subtree hashes.
import { createHash } from 'node:crypto';

/** The hash of the complete subtree over leaves [position·2^height, (position+1)·2^height). */
export type ReadNode = (height: number, position: number) => Promise<Buffer>;

export function leafHash(leaf: Uint8Array): Buffer {
  return createHash('sha256').update(Buffer.of(0)).update(leaf).digest();
}

export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  return createHash('sha256').update(Buffer.of(1)).update(left).update(right).digest();
}

/** The largest power of two below `size` (size ≥ 2). */
function split(size: number): number {
  let power = 1;
  while (power * 2 < size) power *= 2;
  return power;
}

/** MTH of leaves [start, end); `start` is a multiple of the largest power of two that fits. */
async function rangeHash(read: ReadNode, start: number, end: number): Promise<Buffer> {
  const size = end - start;
  if (size === 0) return createHash('sha256').digest();
  const height = Math.log2(size);
  if (Number.isInteger(height) && start % size === 0) return read(height, start / size);
  const middle = start + split(size);
  return nodeHash(await rangeHash(read, start, middle), await rangeHash(read, middle, end));
}

/** The right edge of a tree that grows: what the roots of all its later sizes need of the leaves that it has. */
export class Frontier {
  /** Complete subtrees from left to right, each smaller than the one before. */
  readonly #peaks: { readonly height: number; readonly hash: Buffer }[] = [];

  /** The edge of the tree of `size` leaves. */
  static async of(read: ReadNode, size: number): Promise<Frontier> {
    const frontier = new Frontier();
    let start = 0;
    for (let height = Math.floor(Math.log2(Math.max(size, 1))); height >= 0; height -= 1) {
      const width = 2 ** height;
      if (size - start < width) continue;
      frontier.#peaks.push({ height, hash: await read(height, start / width) });
      start += width;
    }
    return frontier;
  }

  /** Adds the hash of the next leaf. */
  append(hash: Buffer): void {
    let top = { height: 0, hash };
    for (let left = this.#peaks.at(-1); left?.height === top.height; left = this.#peaks.at(-1)) {
      top = { height: top.height + 1, hash: nodeHash(left.hash, top.hash) };
      this.#peaks.pop();
    }
    this.#peaks.push(top);
  }

  /** Root of the tree as it is now. */
  root(): Buffer {
    const [last, ...others] = this.#peaks.toReversed();
    if (last === undefined) return createHash('sha256').digest();
    return others.reduce((right, { hash }) => nodeHash(hash, right), last.hash);
  }
}

/** Root of the tree with `size` leaves. */
export function rootHash(read: ReadNode, size: number): Promise<Buffer> {
  return rangeHash(read, 0, size);
}

/** RFC 6962 §2.1.1: the path that proves leaf `index` (0 ≤ index < size) in the tree of `size` leaves. */
export async function inclusionProof(read: ReadNode, index: number, size: number): Promise<readonly Buffer[]> {
  const path = async (start: number, end: number): Promise<Buffer[]> => {
    if (end - start === 1) return [];
    const middle = start + split(end - start);
    return index < middle
      ? [...(await path(start, middle)), await rangeHash(read, middle, end)]
      : [...(await path(middle, end)), await rangeHash(read, start, middle)];
  };
  return path(0, size);
}

/** RFC 6962 §2.1.2: proves that the tree of `older` leaves (0 < older ≤ size) is the beginning of that of `size`. */
export async function consistencyProof(read: ReadNode, older: number, size: number): Promise<readonly Buffer[]> {
  const path = async (start: number, end: number, known: boolean): Promise<Buffer[]> => {
    if (older === end) return known ? [] : [await rangeHash(read, start, end)];
    const middle = start + split(end - start);
    return older <= middle
      ? [...(await path(start, middle, known)), await rangeHash(read, middle, end)]
      : [...(await path(middle, end, false)), await rangeHash(read, start, middle)];
  };
  return path(0, size, true);
}

/** Whether `proof` leads from this leaf to this root (RFC 9162 §2.1.3.2). */
export function provesInclusion(
  leaf: { readonly index: number; readonly hash: Uint8Array },
  tree: { readonly size: number; readonly root: Uint8Array },
  proof: readonly Uint8Array[],
): boolean {
  if (leaf.index < 0 || leaf.index >= tree.size) return false;
  let position = leaf.index;
  let last = tree.size - 1;
  let hash: Uint8Array = leaf.hash;
  for (const sibling of proof) {
    if (last === 0) return false;
    if (position % 2 === 1 || position === last) {
      hash = nodeHash(sibling, hash);
      while (position % 2 === 0 && position !== 0) {
        position = Math.floor(position / 2);
        last = Math.floor(last / 2);
      }
    } else {
      hash = nodeHash(hash, sibling);
    }
    position = Math.floor(position / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 && Buffer.compare(hash, tree.root) === 0;
}

/** Whether `proof` shows that the newer tree begins with the whole older one (RFC 9162 §2.1.4.2). */
export function provesConsistency(
  older: { readonly size: number; readonly root: Uint8Array },
  newer: { readonly size: number; readonly root: Uint8Array },
  proof: readonly Uint8Array[],
): boolean {
  if (older.size > newer.size) return false;
  if (older.size === newer.size) return proof.length === 0 && Buffer.compare(older.root, newer.root) === 0;
  if (older.size === 0) return proof.length === 0;
  const path = Number.isInteger(Math.log2(older.size)) ? [older.root, ...proof] : [...proof];
  const [first, ...rest] = path;
  if (first === undefined) return false;
  let position = older.size - 1;
  let last = newer.size - 1;
  while (position % 2 === 1) {
    position = Math.floor(position / 2);
    last = Math.floor(last / 2);
  }
  let olderHash: Uint8Array = first;
  let newerHash: Uint8Array = first;
  for (const hash of rest) {
    if (last === 0) return false;
    if (position % 2 === 1 || position === last) {
      olderHash = nodeHash(hash, olderHash);
      newerHash = nodeHash(hash, newerHash);
      while (position % 2 === 0 && position !== 0) {
        position = Math.floor(position / 2);
        last = Math.floor(last / 2);
      }
    } else {
      newerHash = nodeHash(newerHash, hash);
    }
    position = Math.floor(position / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 && Buffer.compare(olderHash, older.root) === 0 && Buffer.compare(newerHash, newer.root) === 0;
}
