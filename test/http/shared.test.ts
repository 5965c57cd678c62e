// Two servers that share PostgreSQL, a bucket in MinIO and a queue in Redis: what one pulls the other uses, and each image is fetched once.
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { jobAnswer } from '../../src/http/routes/jobs/schema.ts';
import { startServer } from '../../src/server.ts';
import { postgresTools, startCluster } from '../db/postgres-cluster.ts';
import { startRedis } from '../jobs/redis-server.ts';
import { startWebServer } from '../pull/web-server.ts';
import { describeWithTools } from '../setup/tools.ts';
import { noise, temporaryFolder } from '../vault/fresh-vault.ts';
import { minioPath, startMinio } from '../vault/minio-server.ts';
import { TestServer } from './running-server.ts';

describeWithTools('servers that share their work', [...postgresTools, minioPath, 'redis-server'], () => {
  test('fetch an image once, use what the other pulled, and evict nothing that the other needs', async () => {
    const cluster = await startCluster();
    onTestFinished(() => cluster.stop());
    const redis = await startRedis();
    onTestFinished(() => redis.stop());
    const minio = await startMinio();
    const web = await startWebServer();
    const { port, bucket, accessKey, secretKey } = minio.settings;
    const shared = {
      'database': cluster.location().url,
      'log-name': 'images.example.org/log',
      'redis': redis.url,
      'vault': `s3+http://127.0.0.1:${port}/${bucket}`,
      'vault-access-key': accessKey,
      'vault-secret-key': secretKey,
    };
    const one = await TestServer.open(shared);
    onTestFinished(() => one.close());
    // The log of one registry has one key.
    const data = await temporaryFolder();
    const other = await TestServer.open({ ...shared, data, 'log-key': join(one.folder, 'data', 'log.key') });
    onTestFinished(() => other.close());

    const image = noise(3_000_000, 'shared');
    web.files.set('/image', { body: image, etag: '"1"', pause: 10 });
    const { document } = await one.creator.publish(image, 'Shared', web.url('/image'));
    const { entry } = (await (await one.upload(document)).json()) as { entry: { identifier: string } };
    const { identifier } = entry;
    const asked = await Promise.all(
      Array.from({ length: 20 }, (_, turn) =>
        (turn % 2 === 0 ? one : other).operator('POST', '/volumes', { image: identifier }),
      ),
    );
    expect(new Set(asked.map(({ status }) => status))).toEqual(new Set([201]));
    expect(web.requests.filter(({ path }) => path === '/image')).toHaveLength(1);

    // The volumes of one go; those of the other keep the image.
    for (const { body } of asked.filter((_, turn) => turn % 2 === 0))
      expect((await one.operator('DELETE', `/volumes/${String(body['uuid'])}`)).status).toBe(204);
    expect(await one.operator('DELETE', `/cache/${identifier}`)).toMatchObject({ body: { code: 'vault.in-use' } });

    // A job is seen, and ended, from both.
    const slow = noise(3_000_000, 'slow');
    web.files.set('/slow', { body: slow, pause: 2000 });
    const next = await other.upload((await other.creator.publish(slow, 'Slow', web.url('/slow'))).document);
    const second = ((await next.json()) as { entry: { identifier: string } }).entry.identifier;
    const { body } = await one.operator('POST', `/cache/${second}?wait=false`);
    const seen = async (server: TestServer) =>
      jobAnswer.parse((await server.operator('GET', `/jobs/${String(body['job'])}`)).body);
    await expect.poll(async () => (await seen(other)).state, { timeout: 10_000 }).toBe('running');
    // Whichever of them runs it, the other is told over Redis.
    const runsIt = (await seen(one)).worker?.startsWith(readFileSync(join(data, 'node'), 'utf8').trim()) === true;
    await (runsIt ? one : other).operator('DELETE', `/jobs/${String(body['job'])}`);
    await expect.poll(async () => (await seen(one)).state, { timeout: 8000 }).toBe('cancelled');
  }, 120_000);
});

const start = (flags: Readonly<Record<string, unknown>>) =>
  startServer({
    config: loadConfig({ flags: { http: '127.0.0.1:0', iscsi: '127.0.0.1:0', ...flags }, env: {} }).config,
    log: pino({ level: 'silent' }),
    now: () => new Date(),
    randomness: randomBytes,
  });

test('a queue without a database and a vault to share is refused', async () => {
  await expect(start({ data: await temporaryFolder(), redis: 'redis://127.0.0.1:1' })).rejects.toMatchObject({
    code: 'config.invalid',
    message: expect.stringMatching(/PostgreSQL .*--database.* and a vault in S3/u) as string,
  });
});

test('a second server on one data folder is refused, and does not touch what the first is at', async () => {
  const one = await TestServer.open();
  onTestFinished(() => one.close());
  const data = join(one.folder, 'data');
  // As a pull leaves it that is under way.
  const intent = join(data, 'vault', 'intents', 'embedded', '0123456789abcdef01234567');
  mkdirSync(dirname(intent), { recursive: true });
  writeFileSync(intent, '{}');
  await expect(start({ data })).rejects.toMatchObject({ code: 'volumes.locked' });
  expect(existsSync(intent)).toBe(true);
  rmSync(intent);
});
