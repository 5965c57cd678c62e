// The upkeep of the vault over HTTP: pins, evictions, usage, garbage, scrubs and cancelled pulls on a running server.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TestServer } from './running-server.ts';

const absent = 'EwZ8mfj_wbRBZ5dZJj_3JBuyZD7';
let server: TestServer;
let count = 0;

beforeAll(async () => {
  server = await TestServer.open({ 'gc-grace': 0 });
});
afterAll(() => server?.close());

async function publish(image: Buffer): Promise<string> {
  count += 1;
  const response = await server.upload(await server.document(`cache-${count}.img`, image));
  return ((await response.json()) as { entry: { identifier: string } }).entry.identifier;
}

/** An image in the cache that shares nothing with the others. */
async function cached(): Promise<string> {
  const identifier = await publish(Buffer.alloc(256 * 1024, `image ${count}, and nothing else; `));
  expect((await server.operator('POST', `/cache/${identifier}`)).status).toBe(200);
  return identifier;
}

const isCached = async (identifier: string): Promise<boolean> =>
  (await server.operator('GET', `/cache/${identifier}`)).status === 200;

const vaultFiles = (): readonly string[] =>
  readdirSync(join(server.folder, 'data', 'vault'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .sort();

const packFiles = (): readonly string[] => vaultFiles().filter((path) => path.includes('/packs/'));

test.each([
  ['GET', '/cache/usage'],
  ['POST', '/cache/evictions'],
  ['POST', '/cache/collections'],
  ['POST', '/cache/scrubs'],
  ['DELETE', '/cache/scrubs'],
  ['DELETE', `/cache/${absent}`],
  ['DELETE', `/cache/${absent}/pull`],
  ['PUT', `/cache/${absent}/pin`],
  ['DELETE', `/cache/${absent}/pin`],
])('%s %s needs the token', async (method, path) => {
  expect((await server.fetch(path, { method })).status).toBe(401);
});

test.each([
  ['POST', '/cache/evictions', undefined, 400],
  ['POST', '/cache/evictions', {}, 400],
  ['POST', '/cache/evictions', { freeBytes: 0 }, 400],
  ['POST', '/cache/evictions', { freeBytes: -1 }, 400],
  ['POST', '/cache/evictions', { freeBytes: '1' }, 400],
  ['POST', '/cache/evictions', { freeBytes: 1, dryrun: true }, 400],
  ['POST', '/cache/collections', { dryRun: 'yes' }, 400],
  ['POST', '/cache/collections', { grace: 0 }, 400],
  ['POST', '/cache/scrubs', { restart: 'yes' }, 400],
  ['DELETE', `/cache/${absent}`, undefined, 404],
  ['DELETE', `/cache/${absent}?dryRun=perhaps`, undefined, 400],
  ['DELETE', `/cache/${absent}?dryrun=true`, undefined, 400],
  ['DELETE', `/cache/${absent}/pull`, undefined, 404],
  ['PUT', `/cache/${absent}/pin`, undefined, 404],
  ['PUT', '/cache/..%2F..%2Fetc/pin', undefined, 400],
  ['DELETE', '/cache/..%2Fimages/pin', undefined, 400],
])('%s %s %j is answered by %i', async (method, path, body, status) => {
  const answer = await server.operator(method, path, body);
  expect([answer.status, answer.body['action']]).toEqual([status, expect.stringMatching(/\.$/u)]);
});

test('a collection is not run for a body that may have asked for a dry run', async () => {
  const response = await server.fetch('/cache/collections', {
    method: 'POST',
    headers: { 'authorization': `Bearer ${server.token}`, 'content-type': 'application/x-www-form-urlencoded' },
    body: '{"dryRun": true}',
  });
  expect(response.status).toBe(415);
});

describe('eviction', () => {
  test('leaves what is pinned until it is unpinned', async () => {
    const identifier = await cached();
    expect(await server.operator('PUT', `/cache/${identifier}/pin`)).toEqual({
      status: 200,
      body: { identifier, pinned: true },
    });
    expect((await server.operator('GET', `/cache/${identifier}`)).body).toMatchObject({ pinned: true });
    expect(await server.operator('DELETE', `/cache/${identifier}`)).toMatchObject({
      status: 409,
      body: { code: 'vault.in-use', detail: expect.stringContaining('pinned') as string },
    });
    await server.restart();
    expect((await server.operator('POST', '/cache/evictions', { freeBytes: 2 ** 50 })).body['evicted']).toEqual([]);
    expect((await server.operator('DELETE', `/cache/${identifier}/pin`)).body).toMatchObject({ pinned: false });
    expect((await server.operator('DELETE', `/cache/${identifier}`)).body).toMatchObject({ evicted: [{ identifier }] });
    expect(await isCached(identifier)).toBe(false);
  });

  test('leaves what volumes are made from, and clones of them, and names those', async () => {
    const image = await cached();
    const idle = await cached();
    const volume = await server.operator('POST', '/volumes', { image });
    const clone = await server.operator('POST', '/volumes', { source: volume.body['uuid'] });
    const uuids = [volume.body['uuid'], clone.body['uuid']];
    const refused = await server.operator('DELETE', `/cache/${image}`);
    expect(refused).toMatchObject({ status: 409, body: { code: 'vault.in-use', identifier: image } });
    expect(new Set(refused.body['volumes'] as string[])).toEqual(new Set(uuids));
    expect(refused.body['detail']).toContain(uuids[0]);
    const freed = await server.operator('POST', '/cache/evictions', { freeBytes: 2 ** 50 });
    expect(freed.body).toMatchObject({ dryRun: false, evicted: [{ identifier: idle, size: 256 * 1024 }] });
    expect([await isCached(image), await isCached(idle)]).toEqual([true, false]);
    for (const uuid of uuids.reverse())
      expect((await server.operator('DELETE', `/volumes/${String(uuid)}?snapshots=true`)).status).toBe(204);
    expect((await server.operator('DELETE', `/cache/${image}`)).status).toBe(200);
  });

  test('under a dry run says what would go, and changes nothing', async () => {
    const identifier = await cached();
    const before = vaultFiles();
    const one = await server.operator('DELETE', `/cache/${identifier}?dryRun=true`);
    const some = await server.operator('POST', '/cache/evictions', { freeBytes: 1, dryRun: true });
    for (const { body } of [one, some])
      expect(body).toEqual({ dryRun: true, evicted: [{ identifier, size: 256 * 1024 }], bytes: 256 * 1024 });
    expect(vaultFiles()).toEqual(before);
    expect((await server.operator('DELETE', `/cache/${identifier}`)).status).toBe(200);
  });
});

test('what was evicted is garbage, and two collections bring its room back; a dry run touches nothing', async () => {
  const kept = await cached();
  const gone = await cached();
  expect((await server.operator('DELETE', `/cache/${gone}`)).status).toBe(200);
  const usage = await server.operator('GET', '/cache/usage');
  expect(usage).toMatchObject({ status: 200, body: { images: 1, pinned: 0, diskBytes: 256 * 1024 } });
  expect(usage.body['garbageBytes']).toBeGreaterThan(0);
  const before = vaultFiles();
  const dry = await server.operator('POST', '/cache/collections', { dryRun: true });
  expect(dry).toMatchObject({ status: 200, body: { dryRun: true, removedPacks: 0 } });
  expect(dry.body['condemnedPacks']).toBeGreaterThan(0);
  expect(vaultFiles()).toEqual(before);
  expect((await server.operator('POST', '/cache/collections')).body).toMatchObject({ dryRun: false, removedPacks: 0 });
  const second = await server.operator('POST', '/cache/collections', {});
  expect(second.body['removedPacks']).toBeGreaterThan(0);
  expect(packFiles()).toHaveLength(1);
  expect((await server.operator('GET', '/cache/usage')).body).toMatchObject({ garbageBytes: 0 });
  expect((await server.operator('POST', '/volumes', { image: kept, kind: 'static' })).status).toBe(201);
});

/** Flips a byte in the packs that are not among `sound`. */
function damage(sound: readonly string[]): void {
  for (const pack of packFiles().filter((path) => !sound.includes(path))) {
    const bytes = readFileSync(pack);
    bytes[5000] = (bytes[5000] ?? 0) ^ 1;
    writeFileSync(pack, bytes);
  }
}

test('a scrub finds a flipped byte, and names the image that it breaks and no other', async () => {
  const sound = packFiles();
  expect((await server.operator('POST', '/cache/scrubs')).body).toMatchObject({ damaged: [], broken: [] });
  const identifier = await cached();
  damage(sound);
  const name = `cache-${count}.img`;
  const image = server.files.get(name) ?? Buffer.alloc(0);
  server.files.delete(name);
  const report = await server.operator('POST', '/cache/scrubs');
  expect(report).toMatchObject({ status: 200, body: { repaired: [], broken: [identifier] } });
  expect(report.body['damaged']).toHaveLength(1);
  // Its volumes are refused while it lacks something, also after a restart; once the location is back, it is healed.
  await server.restart();
  expect((await server.operator('POST', '/volumes', { image: identifier, kind: 'static' })).status).toBe(502);
  server.files.set(name, image);
  const healed = await server.operator('POST', '/cache/scrubs', { restart: true });
  expect(healed.body).toMatchObject({ repaired: report.body['damaged'], broken: [] });
  expect((await server.operator('POST', '/volumes', { image: identifier, kind: 'static' })).status).toBe(201);
});

test('a scrub that does not run cannot be cancelled', async () => {
  expect((await server.operator('DELETE', '/cache/scrubs')).status).toBe(404);
});

test('a pull is cancelled for those who wait for it', async () => {
  const image = Buffer.alloc(1024 * 1024, 'slow');
  const stalls: Server = createServer((_request, response) => {
    response.writeHead(200, { 'content-length': image.length });
    response.write(image.subarray(0, 64 * 1024));
  });
  await new Promise<void>((resolve) => stalls.listen(0, '127.0.0.1', resolve));
  try {
    const location = `http://127.0.0.1:${(stalls.address() as AddressInfo).port}/slow.img`;
    const { document } = await server.creator.publish(image, 'A slow image', location);
    const uploaded = (await (await server.upload(document)).json()) as { entry: { identifier: string } };
    const { identifier } = uploaded.entry;
    const pulling = server.operator('POST', `/cache/${identifier}`);
    let cancelled = await server.operator('DELETE', `/cache/${identifier}/pull`);
    while (cancelled.status === 404) {
      await delay(20);
      cancelled = await server.operator('DELETE', `/cache/${identifier}/pull`);
    }
    expect(cancelled.status).toBe(204);
    expect(await pulling).toMatchObject({ status: 409, body: { code: 'pull.cancelled' } });
    expect(await isCached(identifier)).toBe(false);
  } finally {
    stalls.closeAllConnections();
    stalls.close();
  }
});
