// An image file as it lies on disk: which compression is around it, which format is inside, and its bytes decompressed.
import { spawn } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { PassThrough, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { type Compression, type ImageFormat } from './model.ts';

/** Bytes from the start that tell a format: an ISO 9660 volume descriptor stands at 32 KiB. */
const headBytes = 40 * 1024;

const compressionMarks: readonly (readonly [Compression, string])[] = [
  ['gz', '1f8b08'],
  ['bz2', '425a68'],
  ['xz', 'fd377a585a00'],
  ['zst', '28b52ffd'],
];

/** The compression that a file's first bytes show. */
export function guessCompression(head: Uint8Array): Compression | undefined {
  const hex = Buffer.from(head.subarray(0, 8)).toString('hex');
  return compressionMarks.find(([, mark]) => hex.startsWith(mark))?.[0];
}

const formatMarks: readonly (readonly [ImageFormat, number, string])[] = [
  ['qcow2', 0, 'QFI\xfb'],
  ['vmdk', 0, 'KDMV'],
  ['vmdk', 0, '# Disk DescriptorFile'],
  ['vhdx', 0, 'vhdxfile'],
  ['vhd', 0, 'conectix'],
  ['vdi', 0x40, '\x7f\x10\xda\xbe'],
  ['iso', 0x8001, 'CD001'],
];

/** The disk format that the first 40 KiB show; what shows nothing is raw. A fixed VHD shows itself only at its end. */
export function guessFormat(head: Uint8Array): ImageFormat {
  const bytes = Buffer.from(head);
  const found = formatMarks.find(([, at, mark]) => bytes.subarray(at, at + mark.length).toString('latin1') === mark);
  return found?.[0] ?? 'raw';
}

async function readHead(path: string): Promise<Buffer> {
  const file = await open(path);
  try {
    const head = Buffer.alloc(headBytes);
    const { bytesRead } = await file.read(head, 0, headBytes, 0);
    return head.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** Programs that decompress what Node cannot; each reads its standard input. */
const programs: Readonly<Record<Exclude<Compression, 'gz'>, string>> = { bz2: 'bzip2', xz: 'xz', zst: 'zstd' };

function decompressWith(program: string, input: Readable): Readable {
  const child = spawn(program, ['-dc'], { stdio: ['pipe', 'pipe', 'pipe'] });
  const output = new PassThrough();
  let complaint = '';
  child.stderr.on('data', (text: Buffer) => (complaint += text.toString()));
  const ended = new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`${program} failed: ${complaint.trim()}`));
    });
  });
  child.stdout.pipe(output, { end: false });
  Promise.all([pipeline(input, child.stdin), ended]).then(
    () => output.end(),
    (error: unknown) => {
      child.kill();
      output.destroy(error as Error);
    },
  );
  return output;
}

export interface OpenedImage {
  readonly compression: Compression | undefined;
  /** The path where nothing is around the contents, else the stream of the decompressed bytes. */
  readonly source: string | Readable;
  /** Known once the source was read. */
  readonly format: () => ImageFormat;
  /** Bytes of the file as it lies there, read so far: what a progress bar can show against its size. */
  readonly bytesRead: (() => number) | undefined;
}

/** Opens an image for measuring. Rejects with the error of the file system. */
export async function openImage(path: string, given?: Compression): Promise<OpenedImage> {
  const head = await readHead(path);
  const compression = given ?? guessCompression(head);
  if (compression === undefined) {
    return { compression, source: path, format: () => guessFormat(head), bytesRead: undefined };
  }
  const input = createReadStream(path, { highWaterMark: 1024 * 1024 });
  let source: Readable;
  if (compression === 'gz') {
    const gunzip = createGunzip({ chunkSize: 256 * 1024 });
    pipeline(input, gunzip).catch((error: unknown) => gunzip.destroy(error as Error));
    source = gunzip;
  } else {
    source = decompressWith(programs[compression], input);
  }
  const inside: Buffer[] = [];
  let kept = 0;
  const tapped = async function* (): AsyncGenerator<Buffer> {
    for await (const piece of source) {
      if (kept < headBytes) {
        inside.push((piece as Buffer).subarray(0, headBytes - kept));
        kept += (piece as Buffer).byteLength;
      }
      yield piece as Buffer;
    }
  };
  return {
    compression,
    source: Readable.from(tapped(), { objectMode: false }),
    format: () => guessFormat(Buffer.concat(inside)),
    bytesRead: () => input.bytesRead,
  };
}
