// Decompression as a stream: gz by node:zlib, the others by the system's own programs, with their memory bounded.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { Fault } from '../errors/fault.ts';
import { type Compression } from '../metadata/model.ts';
import { describe, LocationFailure } from './reasons.ts';

type Pieces = AsyncIterable<Buffer>;

const programs = {
  bz2: ['bzip2', '-dc'],
  xz: ['xz', '-dc', '--memlimit-decompress=512MiB'],
  zst: ['zstd', '-dcq', '--memory=512MB'],
} as const;

/** Hands on what `source` gives; a failure of the source itself is kept apart from what its reader makes of it. */
function watched(source: Pieces): {
  readonly pieces: Readable;
  failure: () => { readonly error: unknown } | undefined;
} {
  let failure: { readonly error: unknown } | undefined;
  async function* pieces(): AsyncGenerator<Buffer> {
    // Not `yield*`: what the decoder fails with is thrown into this generator too, and is not the source's.
    const iterator = source[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await iterator.next().catch((error: unknown) => {
          failure = { error };
          throw error;
        });
        if (next.done === true) return;
        yield next.value;
      }
    } finally {
      await iterator.return?.();
    }
  }
  return { pieces: Readable.from(pieces(), { objectMode: true, highWaterMark: 4 }), failure: () => failure };
}

const notCompressed = (compression: Compression, error: unknown): LocationFailure =>
  new LocationFailure('mismatch', `the bytes are not ${compression}, as the metadata says (${describe(error)})`, error);

async function* gunzip(source: Pieces): AsyncGenerator<Buffer> {
  const { pieces, failure } = watched(source);
  const decoder = createGunzip({ chunkSize: 256 * 1024 });
  const done = pipeline(pieces, decoder).catch(() => undefined);
  try {
    yield* decoder as AsyncIterable<Buffer>;
  } catch (error) {
    throw failure()?.error ?? notCompressed('gz', error);
  } finally {
    decoder.destroy();
    pieces.destroy();
    await done;
  }
}

async function* byProgram(source: Pieces, compression: keyof typeof programs): AsyncGenerator<Buffer> {
  const [program, ...options] = programs[compression];
  const { pieces, failure } = watched(source);
  const child = spawn(program, options, { stdio: ['pipe', 'pipe', 'pipe'] });
  const complaints: Buffer[] = [];
  child.stderr.on('data', (piece: Buffer) => {
    if (complaints.length < 16) complaints.push(piece);
  });
  const ended = once(child, 'close') as Promise<[number | null]>;
  ended.catch(() => undefined);
  const fed = pipeline(pieces, child.stdin).catch(() => undefined);
  try {
    yield* child.stdout as AsyncIterable<Buffer>;
    await fed;
    const [code] = await ended;
    const cause = failure();
    if (cause !== undefined) throw cause.error;
    if (code !== 0)
      throw notCompressed(compression, Buffer.concat(complaints).toString().trim() || `${program} failed`);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      throw new Fault('pull.tool-missing', `${program} is needed to decompress this image, and is not installed.`);
    }
    throw error;
  } finally {
    child.kill('SIGKILL');
    pieces.destroy();
    await fed;
  }
}

/**
 * The decompressed bytes. Throws a {@link LocationFailure} where the bytes are not of that compression, and `pull.tool-missing`.
 */
export function decompress(source: Pieces, compression: Compression | undefined): Pieces {
  if (compression === undefined) return source;
  return compression === 'gz' ? gunzip(source) : byProgram(source, compression);
}
