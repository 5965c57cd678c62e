// A pull into the folder vault against `curl | (gunzip |) tee` into md5sum, sha1sum, sha256sum, sha512sum and a file.
// Run: npm run bench -- pull, or node dist/bench/pull.js [MIB] [ROUNDS]   (1024 MiB, 3 rounds where they are left out; needs curl, gzip, bash)
import { execFileSync, spawn } from 'node:child_process';
import { createHash, randomFillSync } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, createReadStream, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ImageMetadata } from '../src/metadata/model.ts';
import { addressPolicy } from '../src/pull/address-policy.ts';
import { createPuller } from '../src/pull/puller.ts';
import { openDirectoryStore } from '../src/vault/stores/directory.ts';
import { openVault } from '../src/vault/vault.ts';

const mebibyte = 1024 * 1024;
const size = Number(process.argv[2] ?? 1024);
const rounds = Number(process.argv[3] ?? 3);
const folder = mkdtempSync(join(tmpdir(), 'mintmark-bench-'));
const image = join(folder, 'image');

/** Half of it noise, a quarter text, a quarter zeros: much as a disk with a system on it. */
function makeImage(): void {
  const file = openSync(image, 'w');
  for (let block = 0; block < size; block += 1) {
    const bytes = Buffer.alloc(mebibyte);
    if (block % 4 < 2) randomFillSync(bytes);
    else if (block % 4 === 2) bytes.fill(`plants and animals ${block}, `);
    writeSync(file, bytes);
  }
  closeSync(file);
  execFileSync('bash', ['-c', `gzip -1 -c ${image} > ${image}.gz`]);
}

/** A process of its own, so that neither side shares a processor with the server more than the other. */
const serverProgram = `
const { createServer } = require('node:http');
const { createReadStream, statSync } = require('node:fs');
createServer((request, response) => {
  const path = process.argv[1] + request.url;
  response.writeHead(200, { 'content-length': statSync(path).size });
  createReadStream(path, { highWaterMark: 262144 }).pipe(response);
}).listen(0, '127.0.0.1', function () { console.log(this.address().port); });
`;

async function digests(): Promise<ImageMetadata['checksums']> {
  const hashes = ['md5', 'sha1', 'sha256', 'sha512'].map((name) => createHash(name));
  for await (const piece of createReadStream(image)) for (const hash of hashes) hash.update(piece as Buffer);
  const [md5 = '', sha1 = '', sha256 = '', sha512 = ''] = hashes.map((hash) => hash.digest('hex'));
  return { 'MD5': md5, 'SHA-1': sha1, 'SHA-256': sha256, 'SHA-512': sha512 };
}

const seconds = async (task: () => Promise<void>): Promise<number> => {
  const begun = performance.now();
  await task();
  return (performance.now() - begun) / 1000;
};
const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;

async function pullOnce(metadata: ImageMetadata, name: string): Promise<number> {
  const vault = await openVault({ store: await openDirectoryStore(join(folder, name)), node: 'bench' });
  const workDir = join(folder, 'work');
  const puller = createPuller({ vault, workDir, allowAddress: addressPolicy(['127.0.0.0/8']) });
  const taken = await seconds(async () => void (await puller.pull(metadata)));
  await puller.close();
  rmSync(join(folder, name), { recursive: true });
  return taken;
}

async function pipeOnce(url: string, gz: boolean): Promise<number> {
  const hashes = ['md5sum', 'sha1sum', 'sha256sum', 'sha512sum']
    .map((tool) => `>(${tool} >> ${folder}/sums)`)
    .join(' ');
  // tee's readers are waited for, as ours are; the file is synced, as our packs are.
  const script = `set -o pipefail; { curl -sS ${url} ${gz ? '| gunzip' : ''} | tee ${hashes} > ${folder}/copy; } ; sync ${folder}/copy; wait
    until [ "$(wc -l < ${folder}/sums)" -eq 4 ]; do sleep 0.01; done; rm ${folder}/sums ${folder}/copy`;
  return seconds(async () => {
    const child = spawn('bash', ['-c', script], { stdio: 'inherit' });
    await once(child, 'exit');
  });
}

const server = spawn(process.execPath, ['-e', serverProgram, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
try {
  makeImage();
  const [port] = (await once(server.stdout, 'data')) as [Buffer];
  const base = `http://127.0.0.1:${port.toString().trim()}`;
  const common: Omit<ImageMetadata, 'locations'> = {
    identifier: `M${'0'.repeat(26)}`,
    bytes: size * mebibyte,
    checksums: await digests(),
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
  };
  process.stdout.write(`${size} MiB, ${rounds} rounds, medians in MiB/s of the image\n`);
  for (const gz of [false, true]) {
    const url = `${base}/image${gz ? '.gz' : ''}`;
    const metadata: ImageMetadata = { ...common, locations: [url], ...(gz ? { compression: 'gz' as const } : {}) };
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      ours.push(await pullOnce(metadata, `vault-${round}`));
      theirs.push(await pipeOnce(url, gz));
    }
    const [mine, peers] = [size / median(ours), size / median(theirs)];
    process.stdout.write(
      `${gz ? 'gz ' : 'raw'}  mintmark ${mine.toFixed(0)}  pipe ${peers.toFixed(0)}  ratio ${(mine / peers).toFixed(2)} (goal 1.0)\n`,
    );
  }
  process.stdout.write(`most memory of this process: ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB\n`);
} finally {
  server.kill();
  rmSync(folder, { recursive: true });
}
