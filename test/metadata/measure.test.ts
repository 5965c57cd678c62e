// Size and checksums of an image, whatever its length, from files and streams.
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { measureImage, type Measurement } from '../../src/metadata/measure.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mintmark-measure-'));
});
afterAll(() => rm(folder, { recursive: true }));

const mebibyte = 1024 * 1024;

function expected(content: Buffer): Measurement {
  const hex = (name: string): string => createHash(name).update(content).digest('hex');
  return {
    bytes: content.byteLength,
    checksums: { 'MD5': hex('md5'), 'SHA-1': hex('sha1'), 'SHA-256': hex('sha256'), 'SHA-512': hex('sha512') },
  };
}

test.each([0, 1, mebibyte, 9 * mebibyte, 12 * mebibyte + 1])('a file of %d bytes', async (size) => {
  const content = randomBytes(size);
  const path = join(folder, `${size}.img`);
  await writeFile(path, content);
  const seen: number[] = [];
  expect(await measureImage(path, (bytes) => seen.push(bytes))).toEqual(expected(content));
  expect(seen.at(-1) ?? 0).toBe(size);
});

test.each([0, 5, 3 * mebibyte + 7])('a stream of %d bytes in odd pieces', async (size) => {
  const content = randomBytes(size);
  const pieces = function* (): Generator<Buffer> {
    for (let at = 0; at < size; at += 77_777) yield content.subarray(at, at + 77_777);
  };
  expect(await measureImage(Readable.from(pieces()))).toEqual(expected(content));
});

test('an aborted measurement ends with the reason', async () => {
  const path = join(folder, 'aborted.img');
  await writeFile(path, Buffer.alloc(10 * mebibyte));
  await expect(measureImage(path, undefined, AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
});
