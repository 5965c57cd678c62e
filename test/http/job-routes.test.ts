// Pulls as jobs of a running server: listed, shown, cancelled, followed, and still known after a restart.
import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { jobAnswer, jobList, type JobAnswer } from '../../src/http/routes/jobs/schema.ts';
import { TestServer } from './running-server.ts';

let server: TestServer;
let web: Server;
let requests = 0;
/** While true, what the web server begins to send does not end. */
let stalls = false;
const image = Buffer.alloc(300_000, 'the image of a job; ');

beforeAll(async () => {
  server = await TestServer.open();
  web = createServer((request, response) => {
    requests += 1;
    if (request.url === '/gone.img') {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { 'content-length': image.length });
    if (!stalls) {
      response.end(image);
      return;
    }
    // In pieces, for progress is not told of every one.
    for (let piece = 0; piece < 5; piece += 1)
      setTimeout(() => response.write(image.subarray(piece * 20_000, (piece + 1) * 20_000)), piece * 100);
  });
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  await server?.close();
  web.closeAllConnections();
  web.close();
});

let published = 0;
/** Publishes an image of these bytes; the web server serves `image`, whatever they are. */
async function publish(path: string, content = image): Promise<string> {
  published += 1;
  const location = `http://127.0.0.1:${(web.address() as AddressInfo).port}/${path}`;
  const { document } = await server.creator.publish(content, `Image ${published}`, location);
  const body = (await (await server.upload(document)).json()) as { entry: { identifier: string } };
  return body.entry.identifier;
}

const jobsOf = async (key: string): Promise<readonly JobAnswer[]> =>
  jobList.parse((await server.operator('GET', `/jobs?kind=pull&key=${key}`)).body).jobs;
const shown = async (id: unknown): Promise<JobAnswer> =>
  jobAnswer.parse((await server.operator('GET', `/jobs/${String(id)}`)).body);

/** The page of the entry of an image. */
async function pageOf(identifier: string): Promise<string> {
  const list = await server.fetch(`/metadata?identifier=${identifier}`, { headers: { accept: 'application/json' } });
  const { entries } = (await list.json()) as { entries: { email: string; created: string }[] };
  const [entry] = entries;
  const path = `/metadata/${identifier}/${entry?.email}/${entry?.created}`;
  return await (await server.fetch(path, { headers: { accept: 'text/html' } })).text();
}

test.each([
  ['GET', '/jobs', 401],
  ['GET', '/jobs/1', 401],
  ['DELETE', '/jobs/1', 401],
  ['POST', '/jobs/1/retries', 401],
])('%s %s needs the token', async (method, path, status) => {
  expect((await server.fetch(path, { method })).status).toBe(status);
});

test.each([
  ['GET', '/jobs/4711', 404],
  ['DELETE', '/jobs/4711', 404],
  ['POST', '/jobs/4711/retries', 404],
  ['GET', '/jobs/none', 400],
  ['GET', '/jobs/-1', 400],
  ['GET', '/jobs?state=tired', 400],
  ['GET', '/jobs?limit=0', 400],
])('%s %s is answered by %i', async (method, path, status) => {
  const answer = await server.operator(method, path);
  expect([answer.status, answer.body['action']]).toEqual([status, expect.stringMatching(/\.$/u)]);
});

test.each([2, 200])('%i that ask for an image at once are one fetch, and all get it', async (askers) => {
  // As it lies at the web server, and for the second round other bytes.
  image.fill(`asked for by ${askers}; `);
  const identifier = await publish('honest.img');
  requests = 0;
  const answers = await Promise.all(
    Array.from({ length: askers }, (_, number) =>
      number % 2 === 0
        ? server.operator('POST', '/volumes', { image: identifier })
        : server.operator('POST', `/cache/${identifier}`),
    ),
  );
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 201]));
  expect(requests).toBe(1);
  // Who looked before the image was there, and asked after its job had ended, has got another, which found it there.
  const job = (await jobsOf(identifier)).at(-1);
  expect(job).toMatchObject({ state: 'done', kind: 'pull', attempts: [{ outcome: 'done' }] });
  expect((await server.operator('DELETE', `/jobs/${job?.id}`)).body).toMatchObject({ code: 'jobs.finished' });
});

test('a pull that nobody waits for is followed by its job, told as it happens, and cancelled', async () => {
  const identifier = await publish('slow.img', Buffer.alloc(300_000, 'another image'));
  stalls = true;
  const enough = new AbortController();
  const events = await server.fetch('/events', { signal: enough.signal });
  let heard = '';
  const hearing = (async () => {
    for await (const piece of events.body ?? []) heard += Buffer.from(piece as Uint8Array).toString();
  })().catch(() => undefined);
  const begun = await server.operator('POST', `/cache/${identifier}?wait=false`);
  const id = Number(begun.body['job']);
  expect(begun).toEqual({ status: 202, body: { identifier, image: null, job: id } });
  await expect.poll(async () => Number((await shown(id)).progress?.['fetchedBytes'])).toBeGreaterThan(0);
  expect((await server.operator('GET', '/cache')).body['pulls']).toMatchObject([
    { identifier, phase: 'fetching', signedBytes: 300_000, job: id, state: 'running' },
  ]);
  expect(jobList.parse((await server.operator('GET', '/jobs?state=active')).body).jobs).toMatchObject([{ id }]);
  expect((await server.operator('DELETE', `/jobs/${id}`)).body).toMatchObject({ id, cancelling: true });
  await expect.poll(async () => (await shown(id)).state).toBe('cancelled');
  stalls = false;
  await expect
    .poll(() => heard)
    .toContain(`event: job\ndata: {"id":${id},"kind":"pull","key":"${identifier}","state":"cancelled"`);
  expect(heard).toMatch(new RegExp(`event: pull\\ndata: .*"identifier":"${identifier}","phase":"fetching"`, 'u'));
  enough.abort();
  await hearing;
});

test('why a pull failed is kept over a restart, and shown until one ends well', async () => {
  const expected = Buffer.alloc(300_000, 'what was signed');
  const identifier = await publish('lies.img', expected);
  const refused = await server.operator('POST', `/cache/${identifier}`);
  expect(refused).toMatchObject({ status: 502, body: { code: 'pull.refused' } });
  const id = refused.body['job'];
  await server.restart();
  expect((await server.operator('GET', `/cache/${identifier}`)).body).toMatchObject({
    image: null,
    pull: null,
    failure: { code: 'pull.refused', job: id, details: { attempts: [{ kind: 'mismatch' }] } },
  });
  expect(await shown(id)).toMatchObject({ state: 'failed', failure: { code: 'pull.refused' } });
  expect(await pageOf(identifier)).toMatch(/Not here.*The last attempt failed on .*SHA/su);
  expected.copy(image);
  expect((await server.operator('POST', `/cache/${identifier}`)).status).toBe(200);
  expect((await server.operator('GET', `/cache/${identifier}`)).body).toMatchObject({ failure: null });
  expect(await pageOf(identifier)).toMatch(/Here, proven.*every checksum verified/su);
  expect(await pageOf(identifier)).not.toContain('The last attempt failed');
});

test('a location that does not answer is tried again by itself; asking again tries at once; it can be given up', async () => {
  const identifier = await publish('gone.img', Buffer.alloc(1000, 'gone'));
  const first = await server.operator('POST', `/cache/${identifier}`);
  expect(first).toMatchObject({ status: 502, body: { code: 'pull.unreachable' } });
  const id = first.body['job'];
  expect(Date.parse(String(first.body['retryAt'])) - Date.now()).toBeGreaterThan(30_000);
  expect(first.body['action']).toContain(String(first.body['retryAt']));
  expect((await server.operator('GET', `/cache/${identifier}`)).body).toMatchObject({
    pull: { state: 'retrying', retryAt: first.body['retryAt'] },
    failure: { code: 'pull.unreachable', retryAt: first.body['retryAt'] },
  });
  await server.restart();
  expect(await shown(id)).toMatchObject({ state: 'retrying' });
  const second = await server.operator('POST', `/cache/${identifier}`);
  expect(second.body['job']).toBe(id);
  expect((await shown(id)).attempts).toHaveLength(2);
  expect((await server.operator('DELETE', `/jobs/${String(id)}`)).body).toMatchObject({ state: 'cancelled' });
});

/** The forms of a page, as a browser without scripts knows them. */
const formsOf = (
  page: string,
): readonly { readonly path: string; readonly fields: Readonly<Record<string, string>> }[] =>
  [...page.matchAll(/<form class="job" action="([^"]+)" method="post".*?<\/form>/gsu)].map(([form, path = '']) => ({
    path,
    fields: Object.fromEntries(
      [...form.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/gu)].map(([, name, value]) => [
        name,
        value,
      ]),
    ) as Readonly<Record<string, string>>,
  }));

test('on the page of an entry its pull is cancelled and tried again by forms, without a script, by who knows the token', async () => {
  const identifier = await publish('paged.img', Buffer.alloc(300_000, 'seen on a page'));
  expect(formsOf(await pageOf(identifier))).toEqual([]);
  stalls = true;
  const id = Number((await server.operator('POST', `/cache/${identifier}?wait=false`)).body['job']);
  const [cancel, ...others] = formsOf(await pageOf(identifier));
  expect([cancel, others]).toEqual([{ path: `/jobs/${id}`, fields: { action: 'cancel' } }, []]);
  const send = (fields: Readonly<Record<string, string>>, path = `/jobs/${id}`): Promise<Response> =>
    server.fetch(path, { method: 'POST', body: new URLSearchParams(fields), headers: { accept: 'text/html' } });
  // What another site could make a browser send.
  for (const [fields, status] of [
    [{ action: 'cancel' }, 401],
    [{ action: 'cancel', form: 'made-up' }, 401],
    [{ action: 'cancel', token: '' }, 401],
    [{ action: 'cancel', token: `${server.token}x` }, 401],
    [{ action: 'remove', token: server.token }, 400],
  ] as const)
    expect((await send(fields)).status).toBe(status);
  expect(await shown(id)).toMatchObject({ cancelling: false });
  const sent = await send({ action: 'cancel', token: server.token });
  expect([sent.status, sent.headers.get('location')]).toEqual([303, expect.stringContaining(identifier)]);
  await expect.poll(async () => (await shown(id)).state, { timeout: 10_000 }).toBe('cancelled');
  expect((await send({ action: 'cancel', token: server.token })).status).toBe(409);

  stalls = false;
  expect(formsOf(await pageOf(identifier))).toEqual([{ path: `/jobs/${id}`, fields: { action: 'retry' } }]);
  image.fill('seen on a page');
  expect((await send({ action: 'retry', token: server.token })).status).toBe(303);
  await expect.poll(async () => (await jobsOf(identifier))[0]?.state, { timeout: 10_000 }).toBe('done');
  expect((await jobsOf(identifier)).map(({ state }) => state)).toEqual(['done', 'cancelled']);
  expect(formsOf(await pageOf(identifier))).toEqual([]);
  expect((await server.operator('POST', `/jobs/${(await jobsOf(identifier))[0]?.id}/retries`)).body).toMatchObject({
    code: 'jobs.finished',
  });
});

test('a job that failed is tried again over the API as a new one, and one that waits at once', async () => {
  const identifier = await publish('gone.img', Buffer.alloc(1000, 'gone again'));
  const { body } = await server.operator('POST', `/cache/${identifier}`);
  const id = Number(body['job']);
  const again = await server.operator('POST', `/jobs/${id}/retries`);
  expect(again).toMatchObject({ status: 202, body: { id } });
  await expect.poll(async () => (await shown(id)).attempts.length, { timeout: 10_000 }).toBe(2);
  await server.operator('DELETE', `/jobs/${id}`);
  const next = await server.operator('POST', `/jobs/${id}/retries`);
  expect([next.status, next.body['id']]).toEqual([202, expect.any(Number)]);
  expect(next.body).not.toMatchObject({ id });
  await server.operator('DELETE', `/jobs/${String(next.body['id'])}`);
});

test('the rate of pulls is changed while one runs', async () => {
  const content = Buffer.alloc(300_000, 'slowed down');
  content.copy(image);
  const identifier = await publish('paced.img', content);
  expect((await server.operator('PUT', '/cache/rate', { bytesPerSecond: 1000 })).body).toEqual({
    bytesPerSecond: 1000,
  });
  const pulling = server.operator('POST', `/cache/${identifier}`);
  await expect
    .poll(async () => (await jobsOf(identifier))[0]?.progress?.['phase'], { timeout: 10_000 })
    .toBe('fetching');
  // At this rate it would take five minutes.
  expect((await server.operator('PUT', '/cache/rate', { bytesPerSecond: null })).status).toBe(200);
  expect((await pulling).status).toBe(200);
  expect((await server.operator('PUT', '/cache/rate', { bytesPerSecond: 0 })).status).toBe(400);
  expect((await server.operator('GET', '/cache/rate')).body).toEqual({ bytesPerSecond: null });
});

test('the list comes in pages', async () => {
  const all = jobList.parse((await server.operator('GET', '/jobs')).body);
  const ids = all.jobs.map(({ id }) => id);
  expect(ids.length).toBeGreaterThan(2);
  expect(ids).toEqual(ids.toSorted((a, b) => b - a));
  const page = jobList.parse((await server.operator('GET', '/jobs?limit=2')).body);
  expect(page.jobs.map(({ id }) => id)).toEqual(ids.slice(0, 2));
  const next = jobList.parse((await server.operator('GET', `/jobs?limit=2&before=${page.next}`)).body);
  expect(next.jobs.map(({ id }) => id)).toEqual(ids.slice(2, 4));
});
