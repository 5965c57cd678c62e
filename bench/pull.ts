// Pulls into the folder vault against `curl | (gunzip |) tee` into four hash programs and a file; into MinIO against rclone's parallel upload.
// Run: npm run bench -- pull   (MINTMARK_BENCH_MIB=1024, MINTMARK_BENCH_ROUNDS=3 where they are not set; needs curl, gzip, bash, rclone, MinIO)
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ImageMetadata } from '../src/metadata/model.ts';
import { addressPolicy } from '../src/pull/address-policy.ts';
import { createPuller } from '../src/pull/puller.ts';
import { type ObjectStore } from '../src/vault/object-store.ts';
import { openDirectoryStore } from '../src/vault/stores/directory.ts';
import { openS3Store } from '../src/vault/stores/s3.ts';
import { openVault } from '../src/vault/vault.ts';
import { startBenchMinio } from './pull/minio.ts';
import { digestsOf, makeImage, mebibyte, median, metadataOf, numberOf, secondsOf, serveFolder } from './pull/source.ts';

const size = numberOf('MINTMARK_BENCH_MIB', 1024);
const rounds = numberOf('MINTMARK_BENCH_ROUNDS', 3);
const folder = mkdtempSync(join(tmpdir(), 'mintmark-bench-'));
const image = join(folder, 'image');

async function pullOnce(metadata: ImageMetadata, store: ObjectStore): Promise<number> {
  const vault = await openVault({ store, node: 'bench' });
  const puller = createPuller({ vault, workDir: join(folder, 'work'), allowAddress: addressPolicy(['127.0.0.0/8']) });
  const taken = await secondsOf(async () => void (await puller.pull(metadata)));
  await puller.close();
  return taken;
}

async function pullIntoFolder(metadata: ImageMetadata): Promise<number> {
  const taken = await pullOnce(metadata, await openDirectoryStore(join(folder, 'vault')));
  rmSync(join(folder, 'vault'), { recursive: true });
  return taken;
}

/** tee's readers are waited for, as ours are; the file is synced, as our packs are. */
async function pipeOnce(url: string, gz: boolean): Promise<number> {
  const hashes = ['md5sum', 'sha1sum', 'sha256sum', 'sha512sum']
    .map((tool) => `>(${tool} >> ${folder}/sums)`)
    .join(' ');
  const script = `set -o pipefail; { curl -sS ${url} ${gz ? '| gunzip' : ''} | tee ${hashes} > ${folder}/copy; } ; sync ${folder}/copy; wait
    until [ "$(wc -l < ${folder}/sums)" -eq 4 ]; do sleep 0.01; done; rm ${folder}/sums ${folder}/copy`;
  return secondsOf(async () => {
    const child = spawn('bash', ['-c', script], { stdio: 'inherit' });
    await once(child, 'exit');
  });
}

function report(name: string, ours: readonly number[], peer: string, theirs: readonly number[], goal: number): void {
  const [mine, other] = [size / median(ours), size / median(theirs)];
  const rates = `mintmark ${mine.toFixed(0)}  ${peer} ${other.toFixed(0)}`;
  process.stdout.write(`${name}  ${rates}  ratio ${(mine / other).toFixed(2)} (goal ${goal.toFixed(1)})\n`);
}

const server = await serveFolder(folder);
try {
  makeImage(image, size);
  execFileSync('bash', ['-c', `gzip -1 -c ${image} > ${image}.gz`]);
  const checksums = await digestsOf(image);
  process.stdout.write(`${size} MiB, ${rounds} rounds, medians in MiB/s of the image\n`);
  for (const gz of [false, true]) {
    const url = server.url(gz ? 'image.gz' : 'image');
    const metadata = metadataOf(size * mebibyte, checksums, url, gz ? { compression: 'gz' } : {});
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      ours.push(await pullIntoFolder(metadata));
      theirs.push(await pipeOnce(url, gz));
    }
    report(gz ? 'gz into a folder ' : 'raw into a folder', ours, 'pipe', theirs, 1);
  }
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const minio = await startBenchMinio(folder);
    const metadata = metadataOf(size * mebibyte, checksums, server.url('image'));
    ours.push(await pullOnce(metadata, await openS3Store(minio.settings)));
    const upload = ['copyto', image, 'bench:bench/image', '--s3-chunk-size', '16M', '--s3-upload-concurrency', '4'];
    theirs.push(
      await secondsOf(async () => {
        const child = spawn('rclone', upload, { env: minio.rclone, stdio: ['ignore', 'inherit', 'ignore'] });
        const [code] = (await once(child, 'exit')) as [number | null];
        if (code !== 0) throw new Error(`rclone ended with ${code}`);
      }),
    );
    await minio.close();
  }
  report('raw into MinIO   ', ours, 'rclone', theirs, 0.7);
  process.stdout.write(`most memory of this process: ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB\n`);
} finally {
  server.close();
  rmSync(folder, { recursive: true });
}
