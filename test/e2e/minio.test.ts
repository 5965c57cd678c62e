// A server whose vault is in MinIO: pull, clone, attach, read; MinIO gone in the middle of a pull; a store that refuses to be written.
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, request, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Initiator } from '../../cli/demo/initiator.ts';
import { parseEndpoint } from '../../src/config/endpoint.ts';
import { type AttachmentDetails } from '../../src/http/routes/attachments/schema.ts';
import { startWebServer, type ServedFile, type WebServer } from '../pull/web-server.ts';
import { describeWithTools } from '../setup/tools.ts';
import { noise, temporaryFolder } from '../vault/fresh-vault.ts';
import { minioPath, startMinio, type MinioServer } from '../vault/minio-server.ts';
import { launcher, mintmarkJson, mustRun, run, type Ended } from './command.ts';
import { Site } from './site.ts';

const host = 'iqn.2026-01.org.example:minio';
const block = 65_536;

async function openSite(minio: MinioServer, port = minio.settings.port): Promise<Site> {
  const { accessKey, secretKey, bucket } = minio.settings;
  const secrets = join(await temporaryFolder(), 'secret');
  writeFileSync(secrets, `${secretKey}\n`, { mode: 0o600 });
  const vault = `s3+http://127.0.0.1:${port}/${bucket}`;
  const site = await Site.open(['--vault', vault, '--vault-access-key', accessKey, '--vault-secret-file', secrets]);
  onTestFinished(() => site.close());
  return site;
}

/** Publishes an image that the web server serves as the test says. */
async function published(site: Site, web: WebServer, served: ServedFile): Promise<string> {
  const file = site.path('image.img');
  writeFileSync(file, served.body);
  web.files.set('/image', served);
  return await site.publish(file, ['--title', 'Image'], web.url('/image'));
}

async function readDisk({ iqn, lun, chap, portal }: AttachmentDetails, length: number): Promise<Buffer> {
  const { host: address, port } = parseEndpoint(portal) ?? { host: '', port: 0 };
  const disk = await Initiator.login({ host: address, port, initiator: host, target: iqn, lun, chap });
  const pieces: Buffer[] = [];
  for (let at = 0; at < length; at += block) pieces.push(await disk.read(at, Math.min(block, length - at)));
  await disk.logout();
  return Buffer.concat(pieces);
}

const mintmark = (site: Site, ...args: readonly string[]): Promise<Ended> =>
  run(process.execPath, [launcher, ...args], site.env);

describeWithTools('a vault in MinIO', [minioPath], () => {
  test('an image is pulled, although MinIO is killed and started again in the middle, cloned, attached and read', async () => {
    const minio = await startMinio();
    const site = await openSite(minio);
    const web = await startWebServer();
    // More than a pack of 16 MiB, so that MinIO is written to while the image still comes.
    const image = noise(24 * 1024 * 1024, 'for MinIO');
    let restarted = false;
    const identifier = await published(site, web, {
      body: image,
      etag: '"1"',
      async onPiece(offset) {
        if (restarted || offset < image.length / 2) return;
        restarted = true;
        await minio.stop();
        setTimeout(() => void minio.start(), 3000);
      },
    });
    const pulled = await mintmark(site, 'image', 'pull', identifier);
    expect([pulled.code, restarted]).toEqual([0, true]);
    const volume = await site.volume(['--image', identifier]);
    const attachment = await site.attach(volume.uuid, host);
    expect((await readDisk(attachment, image.length)).equals(image)).toBe(true);
    await site.crash();
    expect((await readDisk(await site.attach(volume.uuid, host), image.length)).equals(image)).toBe(true);
    expect(await mintmarkJson(['cache', 'scrub'], site.env)).toMatchObject({ damaged: [], broken: [] });
  }, 180_000);

  test('a store that refuses to be written is told, loses nothing, and the pull goes on when it lets itself be written', async () => {
    const minio = await startMinio();
    const proxy = await startProxy(minio);
    const site = await openSite(minio, proxy.port);
    const web = await startWebServer();
    const image = noise(2 * 1024 * 1024, 'refused at first');
    const identifier = await published(site, web, { body: image, etag: '"1"' });
    proxy.refuses = true;
    const refused = await mintmark(site, 'volume', 'create', '--image', identifier);
    expect(refused).toMatchObject({ code: 7, stderr: expect.stringContaining('[vault.unavailable]') as string });
    expect(refused.stderr).toMatch(/refuses what it was asked .*you may not write here/iu);
    expect(await mintmarkJson(['cache', 'list'], site.env)).toMatchObject({ images: [], pulls: [{ identifier }] });
    proxy.refuses = false;
    // Asking again tries at once.
    const volume = await site.volume(['--image', identifier]);
    expect((await readDisk(await site.attach(volume.uuid, host), image.length)).equals(image)).toBe(true);
    expect(web.requests.filter(({ path, range }) => path === '/image' && range === undefined)).toHaveLength(1);
  }, 180_000);

  test('keys are not printed, and wrong ones are told', async () => {
    const minio = await startMinio();
    const { port, bucket } = minio.settings;
    const env = { MINTMARK_VAULT_ACCESS_KEY: 'mintmark-test', MINTMARK_VAULT_SECRET_KEY: 'not-the-secret' };
    const vault = ['--vault', `s3+http://127.0.0.1:${port}/${bucket}`];
    const shown = await mustRun(process.execPath, [launcher, 'config', ...vault], env);
    expect(shown).toMatch(/vault-secret-key +\*\*\* +environment/u);
    expect(shown).not.toContain('not-the-secret');
    const data = ['--data', await temporaryFolder(), '--http', '127.0.0.1:0', '--iscsi', '127.0.0.1:0'];
    const served = await run(process.execPath, [launcher, 'serve', ...data, ...vault], env);
    expect(served).toMatchObject({ code: 7, stderr: expect.stringContaining('Check the keys of the vault') as string });
    expect(served.stderr).not.toContain('not-the-secret');
  }, 60_000);
});

interface Proxy {
  readonly port: number;
  /** Answers every write as a store does whose account may not. */
  refuses: boolean;
}

async function startProxy(minio: MinioServer): Promise<Proxy> {
  const server: Server = createServer((asked, answer) => {
    if (proxy.refuses && asked.method === 'PUT') {
      asked.resume();
      const body = '<Error><Code>AccessDenied</Code><Message>You may not write here.</Message></Error>';
      answer.writeHead(403, { 'content-type': 'application/xml', 'content-length': body.length }).end(body);
      return;
    }
    const { method, url: path, headers } = asked;
    const passed = request({ host: '127.0.0.1', port: minio.settings.port, method, path, headers }, (reply) => {
      answer.writeHead(reply.statusCode ?? 502, reply.headers);
      reply.pipe(answer);
    });
    passed.on('error', () => answer.destroy());
    asked.pipe(passed);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy: Proxy = { port: (server.address() as AddressInfo).port, refuses: false };
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return proxy;
}
