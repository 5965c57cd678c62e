// Whether locations still serve their images: asked on time and on demand, shown in the API and on the entry's page.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TestServer } from './running-server.ts';

const image = Buffer.alloc(100_000, 'asked for; ');
let server: TestServer;
let identifier: string;
let path: string;

const probe = async (body: unknown = {}): Promise<unknown> =>
  (await server.operator('POST', `/images/${identifier}/probes`, body)).body['locations'];
const shown = async (): Promise<readonly unknown[]> => {
  const { body } = await server.operator('GET', `/images/${identifier}`);
  return body['locations'] as readonly unknown[];
};

beforeAll(async () => {
  server = await TestServer.open({ 'probe-every': 0.0003 });
  const answer = await server.upload(await server.document('asked.img', image));
  const { entry } = (await answer.json()) as { entry: { identifier: string; path: string } };
  ({ identifier, path } = entry);
});
afterAll(() => server?.close());

test('is asked on time, without anybody asking for it', async () => {
  const location = server.web.url('asked.img');
  await expect
    .poll(shown, { timeout: 20_000, interval: 200 })
    .toMatchObject([{ location, state: 'good', method: 'head' }]);
});

test('is told on demand: gone, of another length, and of other bytes that only a full look finds', async () => {
  server.files.delete('asked.img');
  expect(await probe()).toMatchObject([{ state: 'unreachable', reason: expect.stringContaining('404') as string }]);
  server.files.set('asked.img', image.subarray(1));
  expect(await probe()).toMatchObject([{ state: 'wrong', reason: expect.stringContaining('bytes long') as string }]);
  const page = await (await server.fetch(path, { headers: { accept: 'text/html' } })).text();
  expect(page).toContain('serves something else');
  expect(page).toContain('bytes long');
  server.files.set('asked.img', Buffer.from(image).fill(0, 5, 6));
  expect(await probe({ full: true })).toMatchObject([
    { state: 'wrong', method: 'full', reason: expect.stringContaining('SHA-1 is') as string },
  ]);
  server.files.set('asked.img', image);
  expect(await probe({ full: true })).toMatchObject([{ state: 'good', method: 'full' }]);
});

test('is asked by the operator alone, and by no other body', async () => {
  expect((await server.fetch(`/images/${identifier}/probes`, { method: 'POST' })).status).toBe(401);
  expect((await server.operator('POST', `/images/${identifier}/probes`, { all: true })).status).toBe(400);
  expect((await server.operator('POST', '/images/EwZ8mfj_wbRBZ5dZJj_3JBuyZD7/probes')).status).toBe(404);
});
