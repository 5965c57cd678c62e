// Repairs of images as jobs of a running server: asked for by people, by scrubs and by reads; from every source that there is.
import { once } from 'node:events';
import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Initiator } from '../../cli/demo/initiator.ts';
import { parseEndpoint } from '../../src/config/endpoint.ts';
import { attachmentDetails } from '../../src/http/routes/attachments/schema.ts';
import { jobList, type JobAnswer } from '../../src/http/routes/jobs/schema.ts';
import { chunkBytes } from '../../src/vault/stored-disk.ts';
import { startWebServer, type WebServer } from '../pull/web-server.ts';
import { noise, temporaryFolder } from '../vault/fresh-vault.ts';
import { TestServer } from './running-server.ts';

/** Ends a hang, and measures nothing. */
const patiently = { timeout: 30_000 };
const host = 'iqn.2026-01.org.example:reader';
const image = noise(6 * chunkBytes, 'to be repaired');
const third = image.subarray(2 * chunkBytes, 3 * chunkBytes);

interface Scene {
  readonly server: TestServer;
  readonly web: WebServer;
  readonly identifier: string;
  readonly vault: string;
  /** Every event so far: its type and its data. */
  readonly events: readonly { readonly type: string; readonly data: Readonly<Record<string, unknown>> }[];
}

/** A server with one image that was pulled, and somebody who listens to its events. */
async function scene(flags: Readonly<Record<string, unknown>> = {}): Promise<Scene> {
  const server = await TestServer.open(flags);
  onTestFinished(() => server.close());
  const web = await startWebServer();
  web.files.set('/image', { body: image, etag: '"1"' });
  const { document } = await server.creator.publish(image, 'Repaired', web.url('/image'));
  const { entry } = (await (await server.upload(document)).json()) as { entry: { identifier: string } };
  expect((await server.operator('POST', `/cache/${entry.identifier}`)).status).toBe(200);
  web.requests.length = 0;
  const vault = join(server.folder, 'data', 'vault');
  return { server, web, identifier: entry.identifier, vault, events: await eventsOf(server) };
}

async function eventsOf(server: TestServer): Promise<Scene['events']> {
  const events: { type: string; data: Record<string, unknown> }[] = [];
  const stop = new AbortController();
  onTestFinished(() => stop.abort());
  const { body } = await fetch(new URL('/events', server.url), { signal: stop.signal });
  const read = async (): Promise<void> => {
    let text = '';
    for await (const piece of (body ?? []) as AsyncIterable<Uint8Array>) {
      text += Buffer.from(piece).toString();
      const parts = text.split('\n\n');
      text = parts.pop() ?? '';
      for (const part of parts) {
        const [, type, data] = /^event: (.*)\ndata: (.*)$/su.exec(part) ?? [];
        if (type !== undefined && data !== undefined)
          events.push({ type, data: JSON.parse(data) as Record<string, unknown> });
      }
    }
  };
  read().catch(() => undefined);
  return events;
}

async function packFiles(vault: string): Promise<readonly string[]> {
  const entries = await readdir(join(vault, 'packs'), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

async function flipThird(vault: string): Promise<void> {
  for (const path of await packFiles(vault)) {
    const pack = await readFile(path);
    const at = pack.indexOf(third);
    if (at === -1) continue;
    pack[at + 4711] = (pack[at + 4711] ?? 0) ^ 2;
    await writeFile(path, pack);
  }
}

/** A disk of the image, read as a machine reads it. */
async function attachedDisk({ server, identifier }: Scene): Promise<Initiator> {
  const { body: volume } = await server.operator('POST', '/volumes', { image: identifier });
  const attached = await server.operator('POST', '/attachments', { volume: volume['uuid'], initiator: host });
  const { iqn, lun, chap, portal } = attachmentDetails.parse(attached.body);
  const { host: address, port } = parseEndpoint(portal) ?? { host: '', port: 0 };
  return await Initiator.login({ host: address, port, initiator: host, target: iqn, lun, chap });
}

const happened = ({ events }: Scene, what: string) =>
  events.filter(({ type, data }) => type === 'cache' && data['what'] === what).map(({ data }) => data);
const jobsOf = async ({ server, identifier }: Scene): Promise<readonly JobAnswer[]> =>
  jobList.parse((await server.operator('GET', `/jobs?kind=pull&key=${identifier}`)).body).jobs;

/** The page of the entry. */
async function pageOf({ server, identifier }: Scene): Promise<string> {
  const list = await server.fetch(`/metadata?identifier=${identifier}`, { headers: { accept: 'application/json' } });
  const [entry] = ((await list.json()) as { entries: { email: string; created: string }[] }).entries;
  const path = `/metadata/${identifier}/${entry?.email}/${entry?.created}`;
  return await (await server.fetch(path, { headers: { accept: 'text/html' } })).text();
}

const repair = ({ server, identifier }: Scene, body: object = {}, query = '') =>
  server.operator('POST', `/cache/${identifier}/repairs${query}`, body);

/** Repairs from a copy, once the server is at no other repair: it begins some by itself. */
async function repairedFrom(place: Scene, from: string): ReturnType<typeof repair> {
  for (;;) {
    const answer = await repair(place, { from });
    if (answer.body['code'] !== 'pull.busy') return answer;
    const job = `/jobs/${String(answer.body['job'])}`;
    await expect.poll(async () => (await place.server.operator('GET', job)).body['finished'], patiently).toBeDefined();
  }
}

test('a scrub only says what is broken where it is told so, and otherwise has it repaired by a job', async () => {
  const place = await scene();
  const { server, web, identifier, vault } = place;
  await flipThird(vault);
  const told = await server.operator('POST', '/cache/scrubs', { repair: false });
  expect(told.body).toMatchObject({ broken: [identifier], repairs: [] });
  expect(await jobsOf(place)).toHaveLength(1);
  const { body } = await server.operator('POST', '/cache/scrubs', {});
  const [job] = await jobsOf(place);
  expect(body).toMatchObject({ broken: [], repairs: [{ identifier, job: job?.id, state: 'done' }] });
  expect(job?.result).toMatchObject({ lostChunks: 1, sources: ['its locations'] });
  expect(web.requests).toEqual([{ path: '/image', range: `bytes=${2 * chunkBytes}-${3 * chunkBytes - 1}` }]);
  await expect.poll(() => happened(place, 'damaged'), patiently).toEqual([expect.objectContaining({ entry: 2 })]);
  await expect
    .poll(() => happened(place, 'repaired'), patiently)
    .toEqual([{ what: 'repaired', identifier, job: job?.id }]);
});

test('however many ask, by whichever way, there is one job and one request', async () => {
  const place = await scene();
  const { server, web, identifier, vault } = place;
  await flipThird(vault);
  await server.operator('POST', '/cache/scrubs', { repair: false });
  const release = new AbortController();
  web.files.set('/image', {
    body: image,
    etag: '"1"',
    async onPiece() {
      if (!release.signal.aborted) await once(release.signal, 'abort');
    },
  });
  const asked = await Promise.all([
    ...Array.from({ length: 20 }, () => repair(place, { check: false }, '?wait=false')),
    ...Array.from({ length: 20 }, () => server.operator('POST', `/cache/${identifier}?wait=false`)),
  ]);
  const waiting = [
    repair(place),
    server.operator('POST', `/cache/${identifier}`),
    server.operator('POST', '/cache/scrubs'),
  ];
  const [active] = await jobsOf(place);
  expect(new Set(asked.map(({ body }) => body['job']))).toEqual(new Set([active?.id]));
  expect(await repair(place, { from: web.url('/mirror') })).toMatchObject({
    status: 409,
    body: { code: 'pull.busy', job: active?.id },
  });
  release.abort();
  for (const { status } of await Promise.all(waiting)) expect(status).toBe(200);
  expect(web.requests).toHaveLength(1);
  expect((await server.operator('POST', '/cache/scrubs', {})).body).toMatchObject({ broken: [], repairs: [] });
});

test('a repair that cannot be done says why and what to do, on the page too; a copy that is named does it', async () => {
  const place = await scene();
  const { server, web, identifier, vault } = place;
  await flipThird(vault);
  web.files.set('/image', { body: Buffer.alloc(image.length, 'something else') });
  const refused = await repair(place);
  expect(refused).toMatchObject({ status: 502, body: { code: 'pull.unrepaired' } });
  expect(refused.body['detail']).toContain('still lacks 1 of its chunks');
  expect(refused.body['action']).toContain('--from');
  expect(await server.operator('GET', `/cache/${identifier}`)).toMatchObject({
    body: { image: { identifier }, failure: { code: 'pull.unrepaired' } },
  });
  const page = await pageOf(place);
  expect(page).toContain('The last repair failed');
  expect(page).toMatch(/name="action" value="retry"/u);
  await expect.poll(() => happened(place, 'unrepaired'), patiently).toHaveLength(1);

  const file = join(await temporaryFolder(), 'original.img');
  await expect(repair(place, { from: file })).resolves.toMatchObject({ status: 400, body: { code: 'usage' } });
  await writeFile(file, image);
  const done = await repairedFrom(place, file);
  expect(done).toMatchObject({ status: 200, body: { lostChunks: 1, sources: [file] } });
  expect(await pageOf(place)).not.toContain('The last repair failed');
  expect((await server.operator('POST', '/cache/scrubs', {})).body).toMatchObject({ broken: [] });

  await flipThird(vault);
  web.files.set('/mirror', { body: image });
  expect((await repairedFrom(place, web.url('/mirror'))).body).toMatchObject({ lostChunks: 1 });
});

test.each([
  ['relative.img', 400],
  ['ftp://example.org/image', 400],
  ['', 400],
])('a copy named %j is refused', async (from, status) => {
  const place = await scene();
  expect((await repair(place, { from })).status).toBe(status);
  expect((await place.server.operator('POST', '/cache/none/repairs', {})).status).toBe(404);
  expect((await place.server.fetch(`/cache/${place.identifier}/repairs`, { method: 'POST' })).status).toBe(401);
});

test('a repair is cancelled and tried again as any job', async () => {
  const place = await scene();
  const { server, web, vault, identifier } = place;
  await flipThird(vault);
  web.files.set('/image', { body: image, etag: '"1"', onPiece: () => new Promise(() => undefined) });
  const { status, body } = await repair(place, {}, '?wait=false');
  expect(status).toBe(202);
  await expect.poll(() => web.requests.length, patiently).toBe(1);
  expect((await server.operator('GET', '/cache')).body['pulls']).toEqual([
    expect.objectContaining({ identifier, repairs: true, job: body['job'] }),
  ]);
  expect(await pageOf(place)).toContain('Here, being repaired');
  expect((await server.operator('DELETE', `/jobs/${String(body['job'])}`)).status).toBe(200);
  await expect.poll(async () => (await jobsOf(place))[0]?.state, patiently).toBe('cancelled');
  web.files.set('/image', { body: image, etag: '"1"' });
  const again = await server.operator('POST', `/jobs/${String(body['job'])}/retries`);
  expect(again.status).toBe(202);
  await expect.poll(async () => (await jobsOf(place))[0]?.state, patiently).toBe('done');
  expect((await server.operator('POST', '/cache/scrubs', {})).body).toMatchObject({ broken: [], repairs: [] });
});

test('reads that meet what cannot be repaired are errors, and ask for one repair, not for one each', async () => {
  const place = await scene();
  const { web, vault, server } = place;
  const disk = await attachedDisk(place);
  await flipThird(vault);
  web.files.set('/image', { body: Buffer.alloc(image.length, 'something else') });
  for (let turn = 0; turn < 5; turn += 1)
    await expect(disk.read(2 * chunkBytes, 4096)).rejects.toThrow('ended with status');
  await expect.poll(async () => (await jobsOf(place)).map(({ state }) => state), patiently).toEqual(['failed', 'done']);
  expect((await disk.read(0, 4096)).equals(image.subarray(0, 4096))).toBe(true);
  await disk.logout();
  // A server that starts looks for what is lost as a read does.
  await server.restart();
  await server.operator('POST', '/cache/scrubs', { repair: false });
  expect((await jobsOf(place)).map(({ state }) => state)).toEqual(['failed', 'done']);
  server.forward(11 * 60);
  await server.restart();
  const states = async (): Promise<readonly string[]> => (await jobsOf(place)).map(({ state }) => state);
  await expect.poll(states, patiently).toEqual(['failed', 'failed', 'done']);
});

test('with its locations gone, what a volume of this node has read is a source', async () => {
  const place = await scene();
  const { server, web, vault } = place;
  const disk = await attachedDisk(place);
  for (let at = 0; at < image.length; at += 65_536)
    expect((await disk.read(at, 65_536)).equals(image.subarray(at, at + 65_536))).toBe(true);
  await disk.logout();
  web.files.clear();
  await server.restart(async () => {
    for (const path of await packFiles(vault)) await rm(path);
  });
  const done = await repair(place);
  expect(done).toMatchObject({
    status: 200,
    body: { sources: [expect.stringMatching(/^the disk [0-9a-f]{64} here$/u)] },
  });
  expect((await server.operator('POST', '/cache/scrubs', {})).body).toMatchObject({ broken: [], checkedChunks: 8 });
});

test('with its locations gone, the vault of another node is a source, and is not written to', async () => {
  const other = await temporaryFolder();
  const place = await scene({ 'repair-from': [join(other, 'vault')] });
  const { server, web, vault } = place;
  await cp(vault, join(other, 'vault'), { recursive: true });
  const before = await readdir(other, { recursive: true });
  web.files.clear();
  for (const path of await packFiles(vault)) await rm(path);
  const done = await repair(place);
  expect(done).toMatchObject({ status: 200, body: { sources: [`the vault ${join(other, 'vault')}`] } });
  expect(await readdir(other, { recursive: true })).toEqual(before);
  expect((await server.operator('POST', '/cache/scrubs', {})).body).toMatchObject({ broken: [] });
});

test('a repair needs no room of the quota, and makes nothing go for it', async () => {
  const place = await scene({ 'vault-quota': image.length + chunkBytes });
  const { server, web, vault, identifier } = place;
  const other = noise(1000, 'another');
  web.files.set('/other', { body: other });
  const { document } = await server.creator.publish(other, 'Other', web.url('/other'));
  const { entry } = (await (await server.upload(document)).json()) as { entry: { identifier: string } };
  expect((await server.operator('POST', `/cache/${entry.identifier}`)).status).toBe(200);
  await flipThird(vault);
  expect(await repair(place)).toMatchObject({ status: 200, body: { lostChunks: 1 } });
  const { body } = await server.operator('GET', '/cache');
  const names = (body['images'] as readonly { identifier: string }[]).map((one) => one.identifier);
  expect(names.toSorted()).toEqual([identifier, entry.identifier].toSorted());

  // What goes for the quota, and what does not fit, is told.
  const larger = noise(4 * chunkBytes, 'a larger');
  web.files.set('/larger', { body: larger });
  const published = await server.creator.publish(larger, 'Third', web.url('/larger'));
  const uploaded = (await (await server.upload(published.document)).json()) as { entry: { identifier: string } };
  await server.operator('PUT', `/cache/${identifier}/pin`);
  expect(await server.operator('POST', `/cache/${uploaded.entry.identifier}`)).toMatchObject({ status: 507 });
  await server.operator('DELETE', `/cache/${identifier}/pin`);
  expect(await server.operator('POST', `/cache/${uploaded.entry.identifier}`)).toMatchObject({ status: 200 });
  const told = (): readonly unknown[] =>
    place.events
      .filter(({ type, data }) => type === 'cache' && data['what'] !== 'damaged' && data['what'] !== 'repaired')
      .map(({ data }) => data);
  await expect
    .poll(told, patiently)
    .toEqual([
      { what: 'pinned', identifier },
      expect.objectContaining({ what: 'full', neededBytes: larger.length, quotaBytes: image.length + chunkBytes }),
      { what: 'unpinned', identifier },
      { what: 'evicted', identifier },
    ]);
});

test('an eviction by size is a job, whose list is made when it is asked for', async () => {
  const place = await scene();
  const { server, identifier } = place;
  const dry = await server.operator('POST', '/cache/evictions', { freeBytes: 10, dryRun: true });
  expect(dry.body).toEqual({ dryRun: true, evicted: [{ identifier, size: image.length }], bytes: image.length });
  const { status, body } = await server.operator('POST', '/cache/evictions?wait=false', { freeBytes: 10 });
  expect(status).toBe(202);
  const job = `/jobs/${String(body['job'])}`;
  await expect.poll(async () => (await server.operator('GET', job)).body['state'], patiently).toBe('done');
  expect((await server.operator('GET', job)).body).toMatchObject({
    kind: 'eviction',
    key: '10 bytes',
    result: { evicted: [{ identifier, size: image.length }] },
  });
  await expect.poll(() => happened(place, 'evicted'), patiently).toEqual([{ what: 'evicted', identifier }]);
  expect((await server.operator('POST', '/cache/evictions', { freeBytes: 10 })).body).toEqual({
    dryRun: false,
    evicted: [],
    bytes: 0,
  });
  expect((await server.operator('POST', '/cache/collections?wait=false', {})).status).toBe(202);
});

test('what was lost while no server ran is repaired as soon as one does', async () => {
  const place = await scene();
  const { server, vault } = place;
  await server.restart(async () => {
    await rm(join(server.folder, 'data', 'vault-index'));
    for (const path of await packFiles(vault)) {
      const pack = await readFile(path);
      await writeFile(path, pack.subarray(0, pack.length - 100));
    }
  });
  await expect.poll(async () => (await jobsOf(place))[0]?.result?.['lostChunks'], patiently).toBeGreaterThan(0);
  await expect.poll(async () => (await jobsOf(place))[0]?.state, patiently).toBe('done');
  expect((await server.operator('POST', '/cache/scrubs', { repair: false })).body).toMatchObject({ broken: [] });
});

test('a damaged pointer hides no other image, stops collections, and goes when the image is pulled again', async () => {
  const place = await scene();
  const { server, identifier, vault } = place;
  const pointer = join(vault, 'images', identifier);
  const text = await readFile(pointer, 'utf8');
  await writeFile(pointer, text.replace('"size":', '"sise":'));
  expect((await server.operator('GET', '/cache')).body).toMatchObject({ images: [], damaged: [identifier] });
  expect((await server.operator('POST', '/cache/scrubs', {})).body).toMatchObject({ broken: [identifier] });
  expect(await server.operator('POST', '/cache/collections', {})).toMatchObject({ body: { code: 'vault.corrupt' } });
  const packs = await packFiles(vault);
  expect((await server.operator('POST', `/cache/${identifier}`)).status).toBe(200);
  expect(await packFiles(vault)).toEqual(packs);
  expect((await server.operator('GET', '/cache')).body).toMatchObject({ images: [{ identifier }], damaged: [] });
});
