// Subtree hashes computed from a list of leaf hashes, independent of how the registry stores them.
import { nodeHash, type ReadNode } from '../../src/registry/log/merkle.ts';

export function nodesOf(hashes: readonly Buffer[]): ReadNode {
  const hash = (at: number, level: number): Buffer => {
    const leaf = hashes[at];
    if (leaf === undefined) throw new Error('a node that is not complete was asked for');
    return level === 0 ? leaf : nodeHash(hash(at, level - 1), hash(at + 2 ** (level - 1), level - 1));
  };
  return (height, position) => Promise.resolve(hash(position * 2 ** height, height));
}
