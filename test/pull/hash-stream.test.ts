// Streams through the threads that hash: the chunks and digests are those of the bytes, though memory is used again.
import { createHash } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import * as fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { createHashPool } from '../../src/pull/hash-pool.ts';
import { hashBlockBytes } from '../../src/pull/hash-stream.ts';
import { type DiskChunk } from '../../src/vault/disk-writer.ts';
import { chunkBytes } from '../../src/vault/stored-disk.ts';
import { withinTime } from '../setup/within-time.ts';
import { noise, sha256Hex } from '../vault/fresh-vault.ts';

const pool = createHashPool();
afterAll(() => pool.close());

const digestsOf = (bytes: Buffer): object => ({
  'MD5': createHash('md5').update(bytes).digest('hex'),
  'SHA-1': createHash('sha1').update(bytes).digest('hex'),
  'SHA-256': createHash('sha256').update(bytes).digest('hex'),
  'SHA-512': createHash('sha512').update(bytes).digest('hex'),
});

/** The bytes in pieces of these lengths, over and over; fails at the end where it is told to. */
async function* cut(bytes: Buffer, lengths: readonly number[], failure?: Error): AsyncGenerator<Buffer> {
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const end = Math.min(bytes.length, at + (lengths[turn % lengths.length] ?? 1));
    yield bytes.subarray(at, end);
    at = end;
    // So that the threads come to what was handed on.
    if (turn % 2 === 0) await wait(1);
  }
  if (failure !== undefined) throw failure;
}

interface Gathered {
  readonly bytes: Buffer;
  /** What was wrong with a chunk. */
  readonly faults: readonly string[];
}

/** Keeps a few chunks for a while, as packs do, and reads them only then. */
async function gather(chunks: AsyncIterable<DiskChunk>, kept: number): Promise<Gathered> {
  const all: Buffer[] = [];
  const faults: string[] = [];
  const held: DiskChunk[] = [];
  const letGo = async ({ index, data, sha256, done }: DiskChunk): Promise<void> => {
    if (index !== all.length) faults.push(`${index} comes as ${all.length}`);
    const digest = await sha256;
    if (digest !== undefined && digest.toString('hex') !== sha256Hex(data)) faults.push(`${index} is of another hash`);
    all.push(Buffer.from(data));
    done?.();
    done?.();
  };
  for await (const chunk of chunks) {
    held.push(chunk);
    for (const first of held.splice(0, Math.max(0, held.length - kept))) await letGo(first);
  }
  for (const rest of held) await letGo(rest);
  return { bytes: Buffer.concat(all), faults };
}

const padded = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);

describe('a stream of hashes', () => {
  test('hands on what came, whole, whatever the pieces and however long chunks are kept', async () => {
    const source = noise(9 * hashBlockBytes + 2 * chunkBytes, 'hashed');
    const length = fc.oneof(
      fc.integer({ min: 1, max: source.length }),
      fc.constantFrom(1, 511, 512, chunkBytes - 1, chunkBytes, hashBlockBytes, hashBlockBytes + 1, 2 * hashBlockBytes),
    );
    const pieces = fc.array(fc.integer({ min: 4096, max: 2 * hashBlockBytes }), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(
        length,
        pieces,
        fc.integer({ min: 0, max: 14 }),
        withinTime(4000, async (bytes, lengths, kept) => {
          const image = source.subarray(0, bytes);
          const hashes = pool.stream();
          const { bytes: got, faults } = await gather(hashes.chunks(cut(image, lengths)), kept);
          expect(faults).toEqual([]);
          expect(got.equals(padded(image))).toBe(true);
          expect(await hashes.digests()).toEqual(digestsOf(image));
          hashes.drop();
        }),
      ),
    );
  });

  test('hashes alone what nobody goes on with', async () => {
    const image = noise(2 * hashBlockBytes + 77, 'alone');
    const hashes = pool.stream();
    for await (const piece of cut(image, [100_000, 7])) await hashes.update(piece);
    expect(await hashes.digests()).toEqual(digestsOf(image));
  });

  test('hands on each whole chunk that came before its source failed, with its SHA-256, though it is dropped at once', async () => {
    const image = noise(hashBlockBytes + 2 * chunkBytes + 1000, 'broken');
    const hashes = pool.stream();
    const seen: DiskChunk[] = [];
    const read = async (): Promise<void> => {
      for await (const chunk of hashes.chunks(cut(image, [60_000], new Error('it broke')))) seen.push(chunk);
    };
    await expect(read()).rejects.toThrow('it broke');
    hashes.drop();
    await wait(1);
    const digests = await Promise.all(seen.map(async ({ sha256 }) => sha256));
    expect(seen.map(({ data }) => sha256Hex(data))).toEqual(digests.map((digest) => digest?.toString('hex')));
    expect(seen).toHaveLength(6);
  });
});
