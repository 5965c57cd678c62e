// Pulls where the places are real and fail: a full disk, MinIO that goes away or takes no writes, nginx, and locations that change or drip.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { AssumeRoleProvider } from 'minio/dist/esm/AssumeRoleProvider.mjs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { addressPolicy } from '../../src/pull/address-policy.ts';
import { createPuller, type Puller, type PullerSettings } from '../../src/pull/puller.ts';
import { openDirectoryStore } from '../../src/vault/stores/directory.ts';
import { openS3Store } from '../../src/vault/stores/s3.ts';
import { chunkBytes } from '../../src/vault/stored-disk.ts';
import { openVault, type Vault } from '../../src/vault/vault.ts';
import { freePort } from '../setup/free-port.ts';
import { describeWithTools, findTool } from '../setup/tools.ts';
import { noise, readWhole, temporaryFolder } from '../vault/fresh-vault.ts';
import { minioPath, startMinio } from '../vault/minio-server.ts';
import { metadataOf, pullSetup } from './pull-setup.ts';
import { startWebServer, type ServedFile } from './web-server.ts';

const run = promisify(execFile);
const image = noise(100 * chunkBytes, 'places');

function pullerFor(vault: Vault, workDir: string, settings: Partial<PullerSettings> = {}): Puller {
  const puller = createPuller({ vault, workDir, allowAddress: addressPolicy(['127.0.0.0/8']), ...settings });
  onTestFinished(() => puller.close());
  return puller;
}
const isStored = async (vault: Vault, manifestId: string): Promise<boolean> =>
  (await readWhole(await vault.openDisk(manifestId))).equals(image);
async function keysOf(vault: Vault): Promise<string[]> {
  const keys: string[] = [];
  for (const prefix of ['packs/', 'images/', 'intents/'])
    for await (const { key } of vault.store.list(prefix)) keys.push(key);
  return keys;
}

const needsRoot = process.getuid?.() === 0 ? [] : ['root (to mount a small file system)'];

describeWithTools('a disk that fills up', ['mount', 'umount', ...needsRoot], () => {
  test.each(['vault', 'work'] as const)('under the %s leaves nothing half there, and says so', async (small) => {
    const folder = await temporaryFolder();
    const [full, roomy] = [join(folder, 'full'), join(folder, 'roomy')];
    await mkdir(full);
    await run(findTool('mount') ?? 'mount', ['-t', 'tmpfs', '-o', 'size=12m', 'tmpfs', full]);
    onTestFinished(async () => void (await run(findTool('umount') ?? 'umount', [full])));
    const places = small === 'vault' ? { vault: full, work: roomy } : { vault: roomy, work: full };
    const vault = await openVault({ store: await openDirectoryStore(join(places.vault, 'v')), node: 'test' });
    // Another program fills the disk after room was set aside.
    const puller = pullerFor(vault, join(places.work, 'w'), { freeSpace: () => Promise.resolve(2 ** 40) });
    const web = await startWebServer();
    // Only a compressed file lies in the folder for pulls until it is whole.
    const compressed = small === 'work';
    web.files.set('/image', { body: compressed ? gzipSync(image, { level: 0 }) : image, etag: '"1"' });
    const metadata = metadataOf(image, [web.url('/image')], compressed ? { compression: 'gz' } : {});
    await expect(puller.pull(metadata)).rejects.toMatchObject({
      code: small === 'vault' ? 'vault.full' : 'pull.no-room',
    });
    expect(await keysOf(vault)).toEqual([]);
    expect(await vault.image(metadata.identifier)).toBeUndefined();
    await run(findTool('mount') ?? 'mount', ['-o', 'remount,size=200m', full]);
    const { manifestId } = await puller.pull(metadata);
    expect(await isStored(vault, manifestId)).toBe(true);
  });
});

describeWithTools('MinIO', [minioPath], () => {
  test('stopped and started again in the middle of a pull is waited for', async () => {
    const minio = await startMinio();
    const vault = await openVault({ store: await openS3Store(minio.settings), node: 'test' });
    const puller = pullerFor(vault, await temporaryFolder());
    const web = await startWebServer();
    let restarted: Promise<void> | undefined;
    const restart = async (): Promise<void> => {
      await minio.stop();
      await delay(300);
      await minio.start();
    };
    web.files.set('/image', {
      body: image,
      onPiece(offset) {
        if (offset > image.length / 2) restarted ??= restart();
      },
    });
    const { manifestId } = await puller.pull(metadataOf(image, [web.url('/image')]));
    await restarted;
    expect(await isStored(vault, manifestId)).toBe(true);
    expect(web.requests).toHaveLength(1);
  });

  test('that takes no writes ends the pull with its reason, and nothing is there; later it goes on', async () => {
    const { settings } = await startMinio();
    const vault = await openVault({ store: await openS3Store(settings), node: 'test' });
    const readOnly = {
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Action: ['s3:Get*', 's3:List*', 's3:HeadBucket'], Resource: ['arn:aws:s3:::*'] }],
    };
    const provider = new AssumeRoleProvider({
      stsEndpoint: `http://${settings.endpoint}:${settings.port}`,
      accessKey: settings.accessKey,
      secretKey: settings.secretKey,
      policy: JSON.stringify(readOnly),
    });
    // It takes objects before it takes questions about roles.
    await expect.poll(() => provider.getCredentials().then(Boolean, () => false), { timeout: 15_000 }).toBe(true);
    const { accessKey, secretKey, sessionToken = '' } = await provider.getCredentials();
    const reader = { accessKey, secretKey, sessionToken };
    const refusing = await openVault({ store: await openS3Store({ ...settings, ...reader }), node: 'reader' });
    const web = await startWebServer();
    web.files.set('/image', { body: image, etag: '"1"' });
    const metadata = metadataOf(image, [web.url('/image')]);
    const work = await temporaryFolder();
    await expect(pullerFor(refusing, work).pull(metadata)).rejects.toMatchObject({
      code: 'vault.unavailable',
      message: expect.stringContaining('writing intents/reader/') as unknown,
    });
    expect(await keysOf(vault)).toEqual([]);
    const { manifestId } = await pullerFor(vault, work).pull(metadata);
    expect(await isStored(refusing, manifestId)).toBe(true);
  });
});

describeWithTools('nginx', ['nginx'], () => {
  test('serves a pull that was cancelled the rest of it, by a range', async () => {
    const folder = await temporaryFolder();
    const port = await freePort();
    await writeFile(join(folder, 'image'), image);
    const configuration = `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log;
      events {}
      http {
        access_log ${folder}/access.log; client_body_temp_path ${folder}/t; proxy_temp_path ${folder}/t; fastcgi_temp_path ${folder}/t;
        uwsgi_temp_path ${folder}/t; scgi_temp_path ${folder}/t;
        server { listen 127.0.0.1:${port}; root ${folder}; location /slow { alias ${folder}/image; limit_rate 4m; } }
      }`;
    await writeFile(join(folder, 'nginx.conf'), configuration);
    const nginx = spawn(
      findTool('nginx') ?? 'nginx',
      ['-p', folder, '-e', join(folder, 'error.log'), '-c', join(folder, 'nginx.conf')],
      {
        stdio: 'ignore',
      },
    );
    onTestFinished(async () => {
      const ended = once(nginx, 'exit');
      nginx.kill('SIGKILL');
      await ended;
    });
    const url = `http://127.0.0.1:${port}/slow`;
    await expect
      .poll(() =>
        fetch(url, { method: 'HEAD' }).then(
          ({ ok }) => ok,
          () => false,
        ),
      )
      .toBe(true);
    const { puller, vault } = await pullSetup();
    const metadata = metadataOf(image, [url]);
    const enough = new AbortController();
    const first = puller.pull(metadata, {
      signal: enough.signal,
      onProgress: ({ fetchedBytes }) => void (fetchedBytes > 1_000_000 && enough.abort()),
    });
    await expect(first).rejects.toMatchObject({ code: 'pull.cancelled' });
    const { manifestId } = await puller.pull(metadata);
    expect(await isStored(vault, manifestId)).toBe(true);
    expect(await readFile(join(folder, 'access.log'), 'utf8')).toMatch(/"GET \/slow HTTP\/1.1" 206 /);
  });
});

const served = (body: Buffer, modified: string): ServedFile => ({
  body,
  etag: modified,
  headers: { 'last-modified': modified },
});

describe('a location', () => {
  const small = image.subarray(0, 3 * chunkBytes);

  test('whose bytes change in the middle, told by their date alone, is read from the start', async () => {
    const { web, puller, vault } = await pullSetup();
    const [old, date] = ['Thu, 01 Jan 2026 00:00:00 GMT', 'Fri, 02 Jan 2026 00:00:00 GMT'];
    // The server compares If-Range with what it calls its tag; only a weak one is sent, so the date is what counts.
    web.files.set('/image', {
      ...served(Buffer.from(small).fill(7), old),
      etag: 'W/"weak"',
      cuts: [300_000],
      onPiece: () => void web.files.set('/image', served(small, date)),
    });
    const { manifestId } = await puller.pull(metadataOf(small, [web.url('/image')]));
    expect(web.requests.length).toBeGreaterThan(1);
    expect((await readWhole(await vault.openDisk(manifestId))).equals(small)).toBe(true);
  });

  test('that drips is given up for the next one, and what it sent is kept', async () => {
    const { web, puller, folder } = await pullSetup({
      limits: { leastRate: 100_000_000, slowTime: 100, retryWait: 1 },
    });
    web.files.set('/drips', { body: small, etag: '"1"', pause: 40 });
    const metadata = metadataOf(small, [web.url('/drips')]);
    await expect(puller.pull(metadata)).rejects.toMatchObject({
      code: 'pull.unreachable',
      message: expect.stringMatching(/no more than \d+ bytes per second/) as unknown,
    });
    expect(web.requests).toHaveLength(1);
    expect((await readdir(join(folder, 'work'))).some((name) => name.endsWith('.part'))).toBe(true);
    web.files.set('/well', { body: small });
    const { verdict } = await puller.pull({ ...metadata, locations: [web.url('/drips'), web.url('/well')] });
    expect(verdict.location).toBe(web.url('/well'));
  });

  test('asked for by two at once is asked once', async () => {
    const { web, puller } = await pullSetup();
    web.files.set('/image', { body: small, pause: 1 });
    const metadata = metadataOf(small, [web.url('/image')]);
    const [one, two] = await Promise.all([puller.pull(metadata), puller.pull(metadata)]);
    expect(one).toEqual(two);
    expect(web.requests).toHaveLength(1);
  });
});
