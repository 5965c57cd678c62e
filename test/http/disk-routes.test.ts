// Disks over HTTP: from an admitted, proven image to an attachment, and what is refused on the way.
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TestServer } from './running-server.ts';

const host = 'iqn.2026-01.org.example:host';
let server: TestServer;
let policyFile: string;

beforeAll(async () => {
  server = await TestServer.open();
  policyFile = join(server.folder, 'policy.json');
  writeFileSync(policyFile, '{"version": 1}');
});
afterAll(() => server.close());

async function publish(name: string, image: Buffer): Promise<string> {
  const response = await server.upload(await server.document(name, image));
  return ((await response.json()) as { entry: { identifier: string } }).entry.identifier;
}

test('without the token nothing is shown or changed', async () => {
  for (const path of ['/volumes', '/snapshots', '/attachments', '/cache', '/log/audit']) {
    const response = await server.fetch(path);
    expect([response.status, response.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="mintmark"']);
  }
  const wrong = await server.fetch('/volumes', { headers: { authorization: 'Bearer wrong' } });
  expect(wrong.status).toBe(401);
});

test('a volume of an image: pulled once, cloned, snapshotted, cloned again, attached, detached, deleted', async () => {
  const image = await publish('disk.img', Buffer.alloc(1024 * 1024, 'disk'));
  const made = await server.operator('POST', '/volumes', { image, tag: 'web-1' });
  expect(made).toMatchObject({ status: 201, body: { kind: 'machine', image, tag: 'web-1', size: 1024 * 1024 } });
  server.files.delete('disk.img');
  const uuid = String(made.body['uuid']);
  expect((await server.operator('POST', '/volumes', { image })).status).toBe(201);
  expect((await server.operator('GET', `/cache/${image}`)).body).toMatchObject({
    image: { verdict: { bytes: 1024 * 1024 } },
  });

  const snapshot = await server.operator('POST', `/volumes/${uuid}/snapshots`, { tag: 'before' });
  expect(snapshot).toMatchObject({ status: 201, body: { volume: uuid, tag: 'before' } });
  const copy = await server.operator('POST', '/volumes', { source: snapshot.body['uuid'] });
  expect(copy).toMatchObject({ status: 201, body: { clonedFrom: uuid } });
  expect((await server.operator('PATCH', `/volumes/${uuid}`, { size: 2 * 1024 * 1024 })).body['size']).toBe(
    2 * 1024 * 1024,
  );

  const attached = await server.operator('POST', '/attachments', { volume: uuid, initiator: host });
  expect(attached).toMatchObject({ status: 201, body: { initiator: host, lun: 1, chap: {}, guide: {} } });
  const second = await server.operator('POST', '/attachments', { volume: uuid, initiator: `${host}-2` });
  expect(second).toMatchObject({ status: 409, body: { code: 'volumes.in-use' } });
  expect(JSON.stringify((await server.operator('GET', '/attachments')).body)).not.toContain('secret');

  await server.restart();
  const again = await server.operator('GET', `/attachments/${String(attached.body['id'])}`);
  expect(again.body['chap']).toEqual(attached.body['chap']);

  expect((await server.operator('DELETE', `/volumes/${uuid}`)).status).toBe(409);
  expect((await server.operator('DELETE', `/attachments/${String(attached.body['id'])}`)).status).toBe(204);
  expect((await server.operator('DELETE', `/volumes/${String(copy.body['uuid'])}`)).status).toBe(204);
  expect((await server.operator('DELETE', `/volumes/${uuid}?snapshots=true`)).status).toBe(204);
  expect((await server.operator('GET', `/volumes/${uuid}`)).status).toBe(404);
});

test('a location that serves other bytes is refused and leaves nothing behind', async () => {
  const good = Buffer.alloc(512 * 1024, 'good');
  const image = await publish('lie.img', good);
  server.files.set('lie.img', Buffer.alloc(good.length, 'evil'));
  const kept = (): string[] =>
    readdirSync(join(server.folder, 'data', 'vault'), { recursive: true, encoding: 'utf8' }).sort();
  const before = kept();
  const refused = await server.operator('POST', '/volumes', { image });
  expect(refused).toMatchObject({ status: 502, body: { code: 'pull.refused' } });
  expect(kept()).toEqual(before);
  expect((await server.operator('GET', `/cache/${image}`)).body).toMatchObject({
    image: null,
    failure: { code: 'pull.refused' },
  });
});

test('what the policy does not admit is not pulled, and its volumes are not attached', async () => {
  const guarded = await TestServer.open({ policy: policyFile });
  try {
    const document = await guarded.document('policy.img', Buffer.alloc(4096, 'p'));
    const { entry } = (await (await guarded.upload(document)).json()) as { entry: { identifier: string } };
    const made = await guarded.operator('POST', '/volumes', { image: entry.identifier });
    expect(made.status).toBe(201);
    writeFileSync(policyFile, JSON.stringify({ version: 1, images: { deny: [entry.identifier] } }));
    const ask = (): Promise<{ status: number; body: Record<string, unknown> }> =>
      guarded.operator('POST', '/attachments', { volume: made.body['uuid'], initiator: host, mode: 'read-only' });
    let answer = await ask();
    while (answer.status !== 403) {
      await delay(100);
      answer = await ask();
    }
    expect(answer.body).toMatchObject({ code: 'policy.denied', verdicts: [{ rules: [{ rule: 'images.deny' }] }] });
    expect((await guarded.operator('POST', '/volumes', { image: entry.identifier })).status).toBe(403);
    const checked = await guarded.operator('POST', '/policy/check', { identifier: entry.identifier });
    expect(checked.body).toMatchObject({ admitted: false });
  } finally {
    await guarded.close();
  }
});

test.each([
  ['POST', '/volumes', {}, 400],
  ['POST', '/volumes', { image: 'x', size: 'y' }, 400],
  ['POST', '/volumes', { size: 1000 }, 400],
  ['POST', '/volumes', { image: 'EwZ8mfj_wbRBZ5dZJj_3JBuyZD7' }, 404],
  ['POST', '/volumes', { source: '00000000-0000-4000-8000-000000000000' }, 404],
  ['POST', '/attachments', { volume: '00000000-0000-4000-8000-000000000000', initiator: host }, 404],
  ['POST', '/attachments', { volume: 'x', initiator: host }, 400],
  ['GET', '/volumes/nothing', undefined, 404],
])('%s %s %j is answered by %i', async (method, path, body, status) => {
  const answer = await server.operator(method, path, body);
  expect(answer.status).toBe(status);
  expect(answer.body).toMatchObject({ action: expect.stringMatching(/\.$/u) as string });
});
