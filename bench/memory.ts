// The most memory that a pull takes, by the size of the image: it must not grow with it. Each pull has a process of its own.
// Run: npm run bench -- memory   (--gib=1,8,32 where it is not given)
import { spawn } from 'node:child_process';
import { createCipheriv, createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { mebibyte, serveFolder } from './pull/source.ts';

const { values } = parseArgs({ options: { gib: { type: 'string', default: '1,8,32' } }, strict: false });
const sizes = String(values.gib).split(',').map(Number);
const folder = mkdtempSync(join(tmpdir(), 'mintmark-bench-'));

/** Serves `/N`: N MiB of noise that are the same each time, and on no disk. */
const noise = `
const { createServer } = require('node:http');
const { createCipheriv } = require('node:crypto');
const { Readable } = require('node:stream');
const zeros = Buffer.alloc(${mebibyte});
createServer((request, response) => {
  const mebibytes = Number(request.url.slice(1));
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16));
  response.writeHead(200, { 'content-length': mebibytes * ${mebibyte} });
  Readable.from((function* () { for (let at = 0; at < mebibytes; at += 1) yield cipher.update(zeros); })(), { highWaterMark: 2 }).pipe(response);
}).listen(0, '127.0.0.1', function () { console.log(this.address().port); });
`;

function digestsOf(mebibytes: number): { readonly 'SHA-1': string; readonly 'SHA-512': string } {
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16));
  const [sha1, sha512] = [createHash('sha1'), createHash('sha512')];
  const zeros = Buffer.alloc(mebibyte);
  for (let at = 0; at < mebibytes; at += 1) {
    const piece = cipher.update(zeros);
    sha1.update(piece);
    sha512.update(piece);
  }
  return { 'SHA-1': sha1.digest('hex'), 'SHA-512': sha512.digest('hex') };
}

const server = await serveFolder(folder, noise);
const program = fileURLToPath(new URL('pull/pull-worker.js', import.meta.url));
let first: number | undefined;
try {
  for (const gib of sizes) {
    const mebibytes = gib * 1024;
    const task = {
      folder,
      url: server.url(String(mebibytes)),
      bytes: mebibytes * mebibyte,
      checksums: digestsOf(mebibytes),
    };
    const child = spawn(process.execPath, [program, JSON.stringify(task)], { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.on('data', (piece: Buffer) => {
      output += piece.toString();
    });
    const [code] = (await once(child, 'close')) as [number | null];
    if (code !== 0) throw new Error(`the pull of ${gib} GiB ended with ${code}`);
    const { most, seconds } = JSON.parse(output) as { most: number; seconds: number };
    first ??= most;
    const rate = (mebibytes / seconds).toFixed(0);
    process.stdout.write(
      `${gib} GiB: at most ${most.toFixed(0)} MiB of memory, ${(most / first).toFixed(2)} times the first, at ${rate} MiB/s\n`,
    );
  }
} finally {
  server.close();
  rmSync(folder, { recursive: true });
}
