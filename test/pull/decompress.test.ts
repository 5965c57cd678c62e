// Every compression, by node:zlib or the system's own programs: whole, cut short, damaged, and as a bomb.
import { execFileSync } from 'node:child_process';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { type Compression } from '../../src/metadata/model.ts';
import { decompress } from '../../src/pull/decompress.ts';
import { LocationFailure } from '../../src/pull/reasons.ts';
import { describeWithTools } from '../setup/tools.ts';
import { noise, sha256Hex } from '../vault/fresh-vault.ts';
import { metadataOf, pullSetup } from './pull-setup.ts';

const plain = Buffer.concat([noise(300_000, 'plain'), Buffer.alloc(100_000, 'plants and animals, ')]);
const programs = { bz2: 'bzip2', xz: 'xz', zst: 'zstd' } as const;

const compress = (bytes: Buffer, compression: Compression): Buffer =>
  compression === 'gz'
    ? gzipSync(bytes)
    : execFileSync(programs[compression], ['-c'], {
        input: bytes,
        maxBuffer: 2 ** 30,
        stdio: ['pipe', 'pipe', 'ignore'],
      });

async function* inPieces(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += 10_000) yield bytes.subarray(at, at + 10_000);
}

/** The SHA-256 of what came out, or why nothing did. */
async function outcome(bytes: AsyncIterable<Buffer>, compression: Compression): Promise<string> {
  const pieces: Buffer[] = [];
  try {
    for await (const piece of decompress(bytes, compression)) pieces.push(piece);
  } catch (error) {
    return error instanceof LocationFailure ? error.kind : String(error);
  }
  return sha256Hex(Buffer.concat(pieces));
}

describeWithTools('decompression', Object.values(programs), () => {
  test.each(['gz', 'bz2', 'xz', 'zst'] as const)(
    'of %s gives the bytes back, and refuses what is damaged or cut short',
    async (compression) => {
      const packed = compress(plain, compression);
      expect(await outcome(inPieces(packed), compression)).toBe(sha256Hex(plain));
      expect(await outcome(inPieces(Buffer.concat([packed, packed])), compression)).toBe(
        sha256Hex(Buffer.concat([plain, plain])),
      );
      expect(await outcome(inPieces(packed.subarray(0, -20)), compression)).toBe('mismatch');
      const damaged = Buffer.from(packed);
      damaged.fill(0x55, 100_000, 100_100);
      expect(await outcome(inPieces(damaged), compression)).toBe('mismatch');
      expect(await outcome(inPieces(plain), compression)).toBe('mismatch');
    },
  );

  test.each(['gz', 'bz2', 'xz', 'zst'] as const)('of %s hands on why the source ended', async (compression) => {
    const broken = async function* (): AsyncGenerator<Buffer> {
      yield compress(plain, compression).subarray(0, 5000);
      throw new LocationFailure('unreachable', 'the connection broke');
    };
    expect(await outcome(broken(), compression)).toBe('unreachable');
  });

  test.each(['gz', 'bz2', 'xz', 'zst'] as const)(
    'of a %s bomb stops when the signed bytes are passed',
    async (compression) => {
      const setup = await pullSetup();
      setup.web.files.set('/bomb', { body: compress(Buffer.alloc(32 * 1024 * 1024), compression) });
      const metadata = metadataOf(plain, [setup.web.url('/bomb')], { compression });
      await expect(setup.puller.pull(metadata)).rejects.toMatchObject({
        code: 'pull.refused',
        message: expect.stringMatching(/longer than/) as unknown,
      });
      expect(await setup.files()).toEqual([]);
    },
  );

  test.each(['bz2', 'xz', 'zst'] as const)('of %s in a whole pull', async (compression) => {
    const { web, puller } = await pullSetup();
    web.files.set('/image', { body: compress(plain, compression), etag: '"1"', cuts: [150_000] });
    const pointer = await puller.pull(metadataOf(plain, [web.url('/image')], { compression }));
    expect(pointer.contentBytes).toBe(plain.length);
  });
});
