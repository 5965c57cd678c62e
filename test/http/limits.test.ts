// How much one address and one endorser may upload: 429 with a Retry-After, and proxies that are believed or not.
import { afterEach, expect, test } from 'vitest';
import { TestServer } from './running-server.ts';

let server: TestServer;
afterEach(() => server.close());

async function uploaded(name: string, headers: Readonly<Record<string, string>> = {}): Promise<readonly unknown[]> {
  const body = await server.document(name, Buffer.alloc(512, name));
  const response = await server.fetch('/metadata', {
    method: 'POST',
    headers: { 'content-type': 'application/xml', ...headers },
    body,
  });
  const { code } = (await response.json()) as { code?: string };
  return [response.status, code, Number(response.headers.get('retry-after'))];
}

const from = (address: string) => ({ 'x-forwarded-for': address });
const soon = (most: number) => expect.toSatisfy((seconds: number) => seconds > 0 && seconds <= most) as number;

test('an address that uploads too much is told when to come again, whatever address it claims', async () => {
  server = await TestServer.open({ 'upload-limit': 2 });
  expect((await uploaded('one'))[0]).toBe(201);
  expect((await uploaded('two', { 'x-forwarded-for': '192.0.2.1' }))[0]).toBe(201);
  expect(await uploaded('three', { 'x-forwarded-for': '192.0.2.2' })).toEqual([429, 'too-many-requests', soon(60)]);
  expect((await server.fetch('/metadata')).status).toBe(200);
});

test('behind a proxy that is trusted, the address is the one that the proxy names', async () => {
  server = await TestServer.open({ 'upload-limit': 1, 'trusted-proxies': '127.0.0.0/8' });
  expect((await uploaded('one', from('192.0.2.1')))[0]).toBe(201);
  expect((await uploaded('two', from('192.0.2.2')))[0]).toBe(201);
  // What a client writes itself stands before what the proxy adds.
  expect((await uploaded('three', from('192.0.2.3, 192.0.2.2')))[1]).toBe('too-many-requests');
  const { entries } = (await server.operator('GET', '/log/audit')).body as { entries: { address: string }[] };
  expect(entries.map(({ address }) => address)).toEqual(['192.0.2.2', '192.0.2.1']);
});

test('an endorser who uploads too much is told so; nothing of it is kept', async () => {
  server = await TestServer.open({ 'endorser-limit': 1 });
  expect((await uploaded('one'))[0]).toBe(201);
  expect(await uploaded('two')).toEqual([429, 'registry.endorser-limit', soon(3600)]);
  expect(await (await server.fetch('/log')).json()).toMatchObject({ entries: [{ seq: 0 }] });
});

test('a proxy must be an address or a network', async () => {
  server = await TestServer.open();
  await expect(TestServer.open({ 'trusted-proxies': '10.0.0.0/8,everybody' })).rejects.toMatchObject({
    code: 'config.invalid',
  });
});
