// One registry mirrors another over HTTP, or by a file that is carried across; and a registry that lies is caught.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launcher, mintmarkJson, run } from '../e2e/command.ts';
import { TestServer } from './running-server.ts';

type Lie = (path: string, body: Buffer) => Buffer | undefined;

let origin: TestServer;
let mirror: TestServer;
let folder: string;
let proxy: Server;
let proxyUrl: string;
/** What the proxy before the origin makes of an answer; undefined for 404. */
let lie: Lie = (_path, body) => body;

const inFolder = (name: string): string => join(folder, name);
const dataOf = (server: TestServer): string => join(server.folder, 'data');
const mintmark = (...args: readonly string[]) => run(process.execPath, [launcher, ...args]);

async function publish(name: string): Promise<void> {
  const { status } = await origin.upload(await origin.document(name, Buffer.alloc(512, name)));
  if (status !== 201) throw new Error(`${name} was answered with ${status}`);
}

/** Paths of everything a registry lists. */
async function listed(server: TestServer): Promise<readonly string[]> {
  const response = await server.fetch('/metadata?status=all&sort=title', { headers: { accept: 'application/json' } });
  return ((await response.json()) as { entries: { path: string }[] }).entries.map(({ path }) => path);
}

/** Ends with the lie found out, and takes nothing in. */
async function expectCaught(name: string, told: Lie, code: string, exit: number): Promise<void> {
  lie = told;
  const ended = await mintmark('registry', 'mirror', proxyUrl, '--data', inFolder(name));
  lie = (_path, body) => body;
  expect(ended).toMatchObject({ code: exit, stdout: '', stderr: expect.stringContaining(`[${code}]`) as string });
}

const changedDecision: Lie = (path, body) =>
  path.startsWith('/log/tile/entries/')
    ? Buffer.from(body.toString('latin1').replace('refused', 'omitted'), 'latin1')
    : body;
const changedDocument: Lie = (path, body) =>
  path.startsWith('/metadata/') ? Buffer.concat([body, Buffer.from(' ')]) : body;
const withheldDocument: Lie = (path, body) => (path.startsWith('/metadata/') ? undefined : body);

beforeAll(async () => {
  origin = await TestServer.open();
  mirror = await TestServer.open();
  folder = mkdtempSync(join(tmpdir(), 'mintmark-mirrors-'));
  for (const name of ['one', 'two', 'three']) await publish(name);
  await origin.upload('<nothing/>');
  proxy = createServer((request, response) => {
    const path = request.url ?? '/';
    void (async () => {
      const answer = await origin.fetch(path);
      const body = answer.ok ? lie(path, Buffer.from(await answer.arrayBuffer())) : undefined;
      response.writeHead(body === undefined ? 404 : 200).end(body);
    })();
  });
  await new Promise<void>((resolve) => {
    proxy.listen(0, '127.0.0.1', resolve);
  });
  proxyUrl = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
});
afterAll(async () => {
  proxy.closeAllConnections();
  await new Promise((resolve) => {
    proxy.close(resolve);
  });
  await origin.close();
  await mirror.close();
  rmSync(folder, { recursive: true, force: true });
});

test('a server shows what was mirrored beside it, and a mirror goes on from where it stopped', async () => {
  const follow = () => mintmarkJson(['registry', 'mirror', origin.url, '--data', dataOf(mirror)]);
  expect(await listed(mirror)).toEqual([]);
  expect(await follow()).toMatchObject({ size: 4, created: 3, unchanged: 0, refused: [] });
  expect(await listed(mirror)).toEqual(await listed(origin));
  await publish('four');
  expect(await follow()).toMatchObject({ size: 5, created: 1, unchanged: 0 });
  expect(await listed(mirror)).toHaveLength(4);
  expect(await follow()).toMatchObject({ size: 5, created: 0, unchanged: 0 });
});

test('what this site does not trust is told, and not taken in', async () => {
  const [key, cert] = [inFolder('other.key'), inFolder('other.crt')];
  const someone = ['--name', 'Someone Else', '--email', 'else@example.org'];
  await mintmarkJson(['metadata', 'keygen', ...someone, '--key', key, '--cert', cert]);
  const strict = ['--data', inFolder('strict'), '--trust', cert];
  const followed = await mintmarkJson(['registry', 'mirror', origin.url, ...strict]);
  expect(followed).toMatchObject({ size: 5, created: 0 });
  expect((followed as { refused: { code: string }[] }).refused.map(({ code }) => code)).toEqual(
    Array.from({ length: 4 }, () => 'registry.refused'),
  );
});

describe('a lie of the other registry', () => {
  test('a decision that was changed', async () => {
    await expectCaught('lied-to', changedDecision, 'registry.mirror-forged', 4);
  });

  test('a document that was changed, or is withheld', async () => {
    await expectCaught('lied-to', changedDocument, 'registry.mirror-forged', 4);
    await expectCaught('lied-to', withheldDocument, 'registry.mirror-incomplete', 7);
  });

  test('a log that was rolled back, or signed with another key, after it was followed', async () => {
    const old = await (await origin.fetch('/log/checkpoint')).text();
    await publish('five');
    await mintmarkJson(['registry', 'mirror', proxyUrl, '--data', inFolder('lied-to')]);
    await expectCaught(
      'lied-to',
      (path, body) => (path === '/log/checkpoint' ? Buffer.from(old) : body),
      'registry.mirror-forged',
      4,
    );
    const other = await (await mirror.fetch('/log/checkpoint')).text();
    const key = await (await mirror.fetch('/log/verifier')).text();
    const told: Lie = (path, body) =>
      path === '/log/checkpoint' ? Buffer.from(other) : path === '/log/verifier' ? Buffer.from(key) : body;
    await expectCaught('lied-to', told, 'registry.mirror-forged', 4);
  });

  test.each([
    ['ftp://127.0.0.1/', 2, 'usage'],
    ['http://127.0.0.1:9', 7, 'unreachable'],
  ])('%s is no registry', async (address, code, fault) => {
    const ended = await mintmark('registry', 'mirror', address, '--data', inFolder('unused'));
    expect(ended).toMatchObject({ code, stderr: expect.stringContaining(`[${fault}]`) as string });
  });
});

describe('a bundle', () => {
  test('is the same from a server and from its data, is verified offline, and carries everything into another', async () => {
    const [served, kept, data] = [inFolder('served.bundle'), inFolder('kept.bundle'), inFolder('carried')];
    const size = (await listed(origin)).length + 1;
    expect(await mintmarkJson(['registry', 'export', '--server', origin.url, '-o', served])).toMatchObject({ size });
    expect(await mintmarkJson(['registry', 'export', '--data', dataOf(origin), '-o', kept])).toMatchObject({ size });
    expect(readFileSync(served, 'utf8')).toBe(readFileSync(kept, 'utf8'));
    expect(await mintmarkJson(['registry', 'verify-bundle', served])).toMatchObject({ size, verified: size - 1 });
    expect(await mintmarkJson(['registry', 'import', served, '--data', data])).toMatchObject({ created: size - 1 });
    expect(await mintmarkJson(['registry', 'import', served, '--data', data])).toMatchObject({ created: 0 });
    expect(await mintmarkJson(['registry', 'reindex', '--data', data])).toEqual({
      entries: size - 1,
      leaves: size - 1,
      failed: [],
    });

    const lines = readFileSync(served, 'utf8').split('\n');
    writeFileSync(inFolder('short.bundle'), lines.toSpliced(2, 1).join('\n'));
    for (const args of [['verify-bundle'], ['import', '--data', inFolder('never')]]) {
      const ended = await mintmark('registry', ...args, inFolder('short.bundle'));
      expect(ended).toMatchObject({ code: 4, stderr: expect.stringContaining('[registry.mirror-forged]') as string });
    }
    const { verifier } = (await mirror.fetch('/log').then((response) => response.json())) as { verifier: string };
    expect((await mintmark('registry', 'verify-bundle', served, '--verifier', verifier)).code).toBe(4);
  });

  test.each([
    ['a file that is not there', ['verify-bundle', 'nowhere.bundle'], 2],
    ['a folder without a registry', ['reindex', '--data', 'nowhere'], 2],
    ['two things to export', ['export', '--data', 'nowhere', '--server', 'http://127.0.0.1:9', '-o', 'never'], 2],
  ])('%s', async (_what, args, code) => {
    expect(await mintmark('registry', ...args)).toMatchObject({ code, stdout: '' });
  });
});
