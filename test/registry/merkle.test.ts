// The tree of the log: published values of RFC 6962, and proofs of every size that hold, and none that lies.
import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  consistencyProof,
  Frontier,
  inclusionProof,
  leafHash,
  provesConsistency,
  provesInclusion,
  rootHash,
} from '../../src/registry/log/merkle.ts';
import { nodesOf } from './nodes.ts';

// The eight leaves that certificate transparency's own tests use.
const leaves = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'].map(
  (hex) => Buffer.from(hex, 'hex'),
);
const roots = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];

const manyHashes = Array.from({ length: 70 }, (_, index) => leafHash(Buffer.from(String(index))));
const many = nodesOf(manyHashes);

test('the root of no leaves is the hash of nothing', async () => {
  expect(await rootHash(many, 0)).toEqual(createHash('sha256').digest());
});

test.each(roots.map((root, index) => [index + 1, root]))('published root of %d leaves', async (size, root) => {
  expect((await rootHash(nodesOf(leaves.map(leafHash)), size)).toString('hex')).toBe(root);
});

test('the edge of a tree leads to the root of every later size', async () => {
  const hashes = Array.from({ length: 40 }, (_, number) => leafHash(Buffer.from(String(number))));
  for (let from = 0; from <= hashes.length; from += 1) {
    const edge = await Frontier.of(nodesOf(hashes), from);
    for (let size = from; size <= hashes.length; size += 1) {
      expect(edge.root()).toEqual(await rootHash(nodesOf(hashes), size));
      const next = hashes[size];
      if (next !== undefined) edge.append(next);
    }
  }
});

describe('proofs', () => {
  const sizes = fc.integer({ min: 1, max: 70 }).chain((size) => fc.tuple(fc.constant(size), fc.nat({ max: size - 1 })));

  test('of inclusion hold for every leaf, and for no other leaf, place or root', async () => {
    await fc.assert(
      fc.asyncProperty(sizes, fc.nat({ max: 69 }), async ([size, index], other) => {
        const root = await rootHash(many, size);
        const proof = await inclusionProof(many, index, size);
        const hash = manyHashes[index] ?? Buffer.of();
        expect(provesInclusion({ index, hash }, { size, root }, proof)).toBe(true);
        expect(provesInclusion({ index, hash: leafHash(Buffer.of(1)) }, { size, root }, proof)).toBe(false);
        expect(provesInclusion({ index, hash }, { size, root: leafHash(root) }, proof)).toBe(false);
        expect(provesInclusion({ index, hash }, { size, root }, [...proof, root])).toBe(false);
        expect(other !== index && provesInclusion({ index: other, hash }, { size, root }, proof)).toBe(false);
      }),
    );
  });

  test('of consistency hold between every two sizes, and for no other tree', async () => {
    await fc.assert(
      fc.asyncProperty(sizes, async ([size, smaller]) => {
        const older = { size: smaller + 1, root: await rootHash(many, smaller + 1) };
        const newer = { size, root: await rootHash(many, size) };
        const proof = await consistencyProof(many, older.size, size);
        expect(provesConsistency(older, newer, proof)).toBe(true);
        expect(provesConsistency({ ...older, root: leafHash(older.root) }, newer, proof)).toBe(false);
        expect(provesConsistency(older, { ...newer, root: leafHash(newer.root) }, proof)).toBe(false);
        expect(provesConsistency(older, newer, [...proof, older.root])).toBe(false);
        expect(proof.length > 0 && provesConsistency(older, newer, proof.slice(1))).toBe(false);
      }),
    );
  });

  test('of a fork do not hold', async () => {
    const forked = nodesOf(manyHashes.map((hash, index) => (index === 20 ? leafHash(Buffer.from('another')) : hash)));
    const older = { size: 30, root: await rootHash(many, 30) };
    const newer = { size: 50, root: await rootHash(forked, 50) };
    expect(provesConsistency(older, newer, await consistencyProof(forked, 30, 50))).toBe(false);
    expect(provesConsistency(older, newer, await consistencyProof(many, 30, 50))).toBe(false);
  });
});
