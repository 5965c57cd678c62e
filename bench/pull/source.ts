// What benchmarks pull: an image on a web server in a process of its own, and metadata that name its checksums.
import { spawn } from 'node:child_process';
import { createHash, randomFillSync } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, createReadStream, openSync, writeSync } from 'node:fs';
import { type ImageMetadata } from '../../src/metadata/model.ts';

export const mebibyte = 1024 * 1024;

/** Half of it noise, a quarter text, a quarter zeros: much as a disk with a system on it. */
export function makeImage(path: string, mebibytes: number): void {
  const file = openSync(path, 'w');
  for (let block = 0; block < mebibytes; block += 1) {
    const bytes = Buffer.alloc(mebibyte);
    if (block % 4 < 2) randomFillSync(bytes);
    else if (block % 4 === 2) bytes.fill(`plants and animals ${block}, `);
    writeSync(file, bytes);
  }
  closeSync(file);
}

export async function digestsOf(path: string): Promise<ImageMetadata['checksums']> {
  const hashes = ['md5', 'sha1', 'sha256', 'sha512'].map((name) => createHash(name));
  for await (const piece of createReadStream(path, { highWaterMark: mebibyte }))
    for (const hash of hashes) hash.update(piece as Buffer);
  const [md5 = '', sha1 = '', sha256 = '', sha512 = ''] = hashes.map((hash) => hash.digest('hex'));
  return { 'MD5': md5, 'SHA-1': sha1, 'SHA-256': sha256, 'SHA-512': sha512 };
}

export const metadataOf = (
  bytes: number,
  checksums: ImageMetadata['checksums'],
  location: string,
  changes: Partial<ImageMetadata> = {},
): ImageMetadata => ({
  identifier: `M${'0'.repeat(26)}`,
  bytes,
  checksums,
  locations: [location],
  endorsement: {
    created: '2026-01-01T00:00:00Z',
    endorser: { email: 'bench@example.org', subject: 'CN=bench', issuers: ['CN=bench'] },
  },
  type: 'machine',
  kinds: [],
  hypervisors: [],
  disksBuses: [],
  inboundPorts: [],
  outboundPorts: [],
  icmp: [],
  foreign: [],
  ...changes,
});

const program = `
const { createServer } = require('node:http');
const { createReadStream, statSync } = require('node:fs');
createServer((request, response) => {
  const path = process.argv[1] + request.url;
  response.writeHead(200, { 'content-length': statSync(path).size });
  createReadStream(path, { highWaterMark: 262144 }).pipe(response);
}).listen(0, '127.0.0.1', function () { console.log(this.address().port); });
`;

export interface FileServer {
  url(name: string): string;
  close(): void;
}

/** A process of its own, so that neither side of a comparison shares a processor with the server more than the other. */
export async function serveFolder(folder: string, source = program): Promise<FileServer> {
  const child = spawn(process.execPath, ['-e', source, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [port] = (await once(child.stdout, 'data')) as [Buffer];
  return {
    url: (name) => `http://127.0.0.1:${port.toString().trim()}/${name}`,
    close: () => void child.kill(),
  };
}

/** In s. */
export async function secondsOf(task: () => Promise<void>): Promise<number> {
  const begun = performance.now();
  await task();
  return (performance.now() - begun) / 1000;
}

export const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;

/** A number from the environment, for runs that are shorter or longer than usual. */
export const numberOf = (name: string, otherwise: number): number => Number(process.env[name] ?? otherwise);
