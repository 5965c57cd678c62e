// A server with a quota: what a pull would evict is told beforehand; what volumes need never goes.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TestServer } from './running-server.ts';

const imageBytes = 256 * 1024;
let server: TestServer;
let first: string;
let second: string;

async function publish(name: string): Promise<string> {
  const response = await server.upload(await server.document(name, Buffer.alloc(imageBytes, `${name}, `)));
  return ((await response.json()) as { entry: { identifier: string } }).entry.identifier;
}
const cached = async (): Promise<readonly unknown[]> => {
  const { body } = await server.operator('GET', '/cache');
  return (body['images'] as readonly { identifier: string }[]).map(({ identifier }) => identifier);
};

beforeAll(async () => {
  server = await TestServer.open({ 'vault-quota': imageBytes + 128 * 1024 });
  [first, second] = [await publish('first.img'), await publish('second.img')];
});
afterAll(() => server?.close());

test('a pull evicts what nobody uses, a volume keeps its image, and the refusal says why', async () => {
  expect((await server.operator('GET', '/cache/usage')).body).toMatchObject({ quotaBytes: imageBytes + 128 * 1024 });
  expect((await server.operator('POST', `/cache/${first}`)).status).toBe(200);
  const plan = await server.operator('POST', `/cache/${second}?dryRun=true`);
  expect(plan.body).toEqual({
    identifier: second,
    dryRun: true,
    cached: false,
    neededBytes: imageBytes,
    fits: true,
    evicted: [{ identifier: first, size: imageBytes }],
  });
  expect(await cached()).toEqual([first]);
  const made = await server.operator('POST', '/volumes', { image: second, kind: 'static' });
  expect(made.status).toBe(201);
  expect(await cached()).toEqual([second]);
  expect((await server.operator('POST', `/cache/${first}?dryRun=true`)).body).toMatchObject({ fits: false });
  const refused = await server.operator('POST', `/cache/${first}`);
  expect(refused).toMatchObject({ status: 507, body: { code: 'vault.quota' } });
  expect((await server.operator('GET', `/cache/${first}`)).body).toMatchObject({ failure: { code: 'vault.quota' } });
  await server.operator('DELETE', `/volumes/${String(made.body['uuid'])}`);
  expect((await server.operator('POST', `/cache/${first}`)).status).toBe(200);
  expect(await cached()).toEqual([first]);
});
