// `metadata build`'s measuring of an image against md5sum, sha1sum, sha256sum and sha512sum fed side by side from one tee.
// Run: npm run bench -- build, or node dist/bench/build.js [MIB] [ROUNDS]   (1024 MiB, 5 rounds; needs bash and coreutils)
import { execFileSync } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { measureImage } from '../src/metadata/measure.ts';

const mebibyte = 1024 * 1024;
const size = Number(process.argv[2] ?? 1024);
const rounds = Number(process.argv[3] ?? 5);
const folder = mkdtempSync(join(tmpdir(), 'mintmark-bench-'));
const image = join(folder, 'image');
const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;

/** The last of the four is waited for: the shell's own end does not wait for those behind the tee. */
const script = `
cd ${folder}
tee < image >(md5sum > md5) >(sha1sum > sha1) >(sha256sum > sha256) | sha512sum > sha512
for file in md5 sha1 sha256 sha512; do until [ -s $file ]; do sleep 0.005; done; done
`;

function pipeOnce(): number {
  for (const name of ['md5', 'sha1', 'sha256', 'sha512']) rmSync(join(folder, name), { force: true });
  const begun = performance.now();
  execFileSync('bash', ['-c', script]);
  return performance.now() - begun;
}

async function measureOnce(): Promise<number> {
  const begun = performance.now();
  const { checksums } = await measureImage(image);
  const taken = performance.now() - begun;
  const theirs = readFileSync(join(folder, 'sha512'), 'utf8').split(' ')[0];
  if (checksums['SHA-512'] !== theirs) throw new Error('the checksums differ');
  return taken;
}

try {
  const file = openSync(image, 'w');
  const block = randomFillSync(Buffer.alloc(mebibyte));
  for (let written = 0; written < size; written += 1) {
    block.writeUInt32LE(written);
    writeSync(file, block);
  }
  closeSync(file);
  const pairs: { readonly ours: number; readonly theirs: number }[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const theirs = pipeOnce();
    pairs.push({ theirs, ours: await measureOnce() });
  }
  const speed = (milliseconds: number): string => ((size * 1000) / milliseconds).toFixed(0);
  const ratio = median(pairs.map(({ ours, theirs }) => theirs / ours));
  process.stdout.write(
    `${size} MiB, ${rounds} rounds, medians in MiB/s: mintmark ${speed(median(pairs.map(({ ours }) => ours)))}  tee ${speed(median(pairs.map(({ theirs }) => theirs)))}  ratio ${ratio.toFixed(2)} (goal 2.0)\n`,
  );
} finally {
  rmSync(folder, { recursive: true });
}
