// Cold reads of a vault image from MinIO through the block device, beside plain ranged GETs; and what ten versions of one Debian image take.
// Run: npm run bench -- vault   (MINTMARK_BENCH_MIB=256; needs MinIO, mmdebstrap, mke2fs, root; MINTMARK_BENCH_BASE=FILE.tar spares the making of the base)
import { execFileSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { createReadStream, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHashPool } from '../src/pull/hash-pool.ts';
import { paddedSize } from '../src/pull/served-image.ts';
import { openManifestDevice } from '../src/vault/manifest-device.ts';
import { openDirectoryStore } from '../src/vault/stores/directory.ts';
import { openS3Store } from '../src/vault/stores/s3.ts';
import { openVault, type Vault } from '../src/vault/vault.ts';
import { startBenchMinio } from './pull/minio.ts';
import { makeImage, mebibyte, numberOf, secondsOf } from './pull/source.ts';

const size = numberOf('MINTMARK_BENCH_MIB', 256);
const randomReads = 500;
const pool = createHashPool();
const folder = mkdtempSync(join(tmpdir(), 'mintmark-bench-'));

/** Stores a file as a snapshot; returns its manifest and the bytes that were new. */
async function store(vault: Vault, file: string, epoch: number): Promise<{ manifestId: string; storedBytes: number }> {
  const bytes = paddedSize(statSync(file).size);
  const session = await vault.beginWrite();
  const hashes = pool.stream();
  const pieces = createReadStream(file, { highWaterMark: mebibyte }) as AsyncIterable<Buffer>;
  const manifestId = await session.writeDisk({ size: bytes, chunks: hashes.chunks(pieces) });
  hashes.drop();
  const { storedBytes } = session;
  await session.commitVolume({ volume: 'bench', epoch, manifestId, size: bytes });
  return { manifestId, storedBytes };
}

async function coldReads(): Promise<void> {
  const minio = await startBenchMinio(folder);
  try {
    const image = join(folder, 'image');
    makeImage(image, size);
    const objects = await openS3Store(minio.settings);
    const { manifestId } = await store(await openVault({ store: objects, node: 'writer' }), image, 1);
    execFileSync('rclone', ['copyto', image, 'bench:bench/plain'], { env: minio.rclone, stdio: 'ignore' });
    const fresh = async () =>
      openManifestDevice(await (await openVault({ store: objects, node: 'reader' })).openDisk(manifestId));
    const bytes = size * mebibyte;

    const device = await fresh();
    const piece = Buffer.alloc(256 * 1024);
    const ours = await secondsOf(async () => {
      for (let at = 0; at < bytes; at += piece.length) await device.read(at, piece);
    });
    await device.close();
    const theirs = await secondsOf(async () => {
      for (let at = 0; at < bytes; at += piece.length) await objects.get('plain', { offset: at, length: piece.length });
    });
    process.stdout.write(
      `sequential, 256 KiB: device ${(size / ours).toFixed(0)} MiB/s  GETs ${(size / theirs).toFixed(0)}  ratio ${(theirs / ours).toFixed(2)}\n`,
    );

    const places = Array.from({ length: randomReads }, () => randomInt(bytes / 4096) * 4096);
    const again = await fresh();
    const block = Buffer.alloc(4096);
    const mine = await secondsOf(async () => {
      for (const at of places) await again.read(at, block);
    });
    await again.close();
    const plain = await secondsOf(async () => {
      for (const at of places) await objects.get('plain', { offset: at, length: block.length });
    });
    process.stdout.write(
      `random, 4 KiB at depth 1: device ${(randomReads / mine).toFixed(0)} per s  GETs ${(randomReads / plain).toFixed(0)}  ratio ${(plain / mine).toFixed(2)}\n`,
    );
  } finally {
    await minio.close();
  }
}

const versions = 10;
/** What changes from one version to the next: packages, a configuration file, a log. */
const packages = ['less', 'nano', 'rsync', 'jq', 'htop', 'tree', 'zip', 'bc', 'file'];

/** The first version as a folder, to be changed. */
function unpackBase(): string {
  const given = process.env['MINTMARK_BENCH_BASE'];
  const base = given ?? join(folder, 'base.tar');
  if (!existsSync(base)) {
    execFileSync('mmdebstrap', ['--variant=apt', '--include=nginx-light', 'bookworm', base], { stdio: 'ignore' });
  }
  const root = join(folder, 'root');
  mkdirSync(root);
  execFileSync('tar', ['-xf', base, '-C', root, '--exclude=./dev/*']);
  return root;
}

function makeFileSystem(root: string, image: string): void {
  // Files lie where they lay before as far as mke2fs puts them there by itself; nothing is done to help.
  const uuid = '00000000-0000-4000-8000-000000000000';
  execFileSync('mke2fs', ['-q', '-t', 'ext4', '-d', root, '-U', uuid, '-E', `hash_seed=${uuid}`, image, '1G']);
}

/** Changes the tree into that of the version. */
function change(root: string, version: number): void {
  const added = packages[version - 1];
  if (added !== undefined) {
    const script = `cd ${folder} && { ls ${added}_*.deb || apt-get download ${added}; } && dpkg-deb -x ${added}_*.deb ${root}`;
    execFileSync('bash', ['-c', script], { stdio: 'ignore' });
  }
  writeFileSync(join(root, 'etc', 'motd'), `Version ${version} of this image\n`);
}

/** Each version a new file system: what was added moves what comes after it. */
function* builtAfresh(): Generator<string> {
  const root = unpackBase();
  const image = join(folder, 'afresh.img');
  for (let version = 0; version < versions; version += 1) {
    change(root, version);
    makeFileSystem(root, image);
    yield image;
    rmSync(image);
  }
  rmSync(root, { recursive: true });
}

/** Each version the one before, mounted, changed, and unmounted: as an image that is kept up to date. */
function* changedInPlace(): Generator<string> {
  const root = unpackBase();
  const image = join(folder, 'in-place.img');
  makeFileSystem(root, image);
  rmSync(root, { recursive: true });
  const mounted = join(folder, 'mounted');
  mkdirSync(mounted);
  for (let version = 0; version < versions; version += 1) {
    execFileSync('mount', ['-o', 'loop', image, mounted]);
    try {
      change(mounted, version);
    } finally {
      execFileSync('umount', [mounted]);
    }
    yield image;
  }
}

const mib = (bytes: number): string => (bytes / mebibyte).toFixed(0);

async function storeVersions(name: string, images: Iterable<string>): Promise<void> {
  const vault = await openVault({ store: await openDirectoryStore(join(folder, name)), node: 'bench' });
  const stored: number[] = [];
  let sizes = 0;
  for (const image of images) {
    stored.push((await store(vault, image, stored.length)).storedBytes);
    sizes += statSync(image).size;
  }
  const sum = stored.reduce((total, bytes) => total + bytes, 0);
  process.stdout.write(
    `${versions} Debian images ${name}: ${mib(sizes)} MiB of disks, ${mib(sum)} MiB stored, ratio ${(sum / sizes).toFixed(3)}; new in each: ${stored.map(mib).join(' ')}\n`,
  );
}

try {
  await coldReads();
  await storeVersions('built afresh', builtAfresh());
  await storeVersions('changed in place', changedInPlace());
} finally {
  await pool.close();
  rmSync(folder, { recursive: true });
}
