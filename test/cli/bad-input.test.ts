// What a newcomer gets wrong: each failure says what, why and what to do, in plain words, and never with a stack.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { launcher, run } from '../e2e/command.ts';
import { TestServer } from '../http/running-server.ts';
import { endorserNamed, signedDocument } from '../registry/signed-documents.ts';

vi.setConfig({ testTimeout: 120_000 });

const folder = mkdtempSync(join(tmpdir(), 'mintmark-bad-'));
const at = (name: string): string => join(folder, name);
let server: TestServer;
let foreign: Server;
let names: Readonly<Record<string, string>>;

beforeAll(async () => {
  server = await TestServer.open();
  foreign = createServer((request, response) => {
    const broken = request.url?.startsWith('/broken') === true;
    response.writeHead(broken ? 502 : 200, { 'content-type': 'text/html' });
    response.end('<html><body>\n<h1>Welcome</h1></body></html>');
  }).listen(0, '127.0.0.1');
  mkdirSync(at('folder'));
  writeFileSync(at('empty'), '');
  writeFileSync(at('hello'), 'hello\n');
  writeFileSync(at('{}'), '{}');
  writeFileSync(at('big'), Buffer.alloc(100_000_000, 'x'));
  writeFileSync(at('hidden'), 'x');
  chmodSync(at('hidden'), 0);
  const [jane, joe] = [await endorserNamed('jane'), await endorserNamed('joe')];
  writeFileSync(at('signed.xml'), signedDocument(jane, 1));
  writeFileSync(at('wrong.xml'), signedDocument(jane, 1).toString().replaceAll('machine', 'engine'));
  for (const document of [signedDocument(jane, 2), signedDocument(jane, 3), signedDocument(joe, 3)])
    await server.upload(document.toString());
  const list = (await (await server.fetch('/metadata')).json()) as { entries: { identifier: string }[] };
  const [one, , three] = list.entries.map(({ identifier }) => identifier).toSorted((a, b) => (a < b ? -1 : 1));
  const ids = list.entries.map(({ identifier }) => identifier);
  const twice = ids.find((id, index) => ids.indexOf(id) !== index) ?? one ?? '';
  names = {
    SERVER: server.url,
    FOREIGN: `http://127.0.0.1:${(foreign.address() as AddressInfo).port}`,
    TWICE: twice,
    ONCE: ids.find((id) => id !== twice) ?? three ?? '',
  };
});
afterAll(async () => {
  foreign.close();
  await server.close();
  rmSync(folder, { recursive: true });
});

const filled = (text: string): string =>
  text.replaceAll(/\b(?:SERVER|FOREIGN|TWICE|ONCE)\b/gu, (name) => names[name] ?? name);

async function mintmark(line: string) {
  const args = line.split(' ').map((word) => filled(word).replace(/^FILE:/u, `${folder}/`));
  return await run(process.execPath, [launcher, ...args], { HOME: folder, XDG_DATA_HOME: at('home') });
}

test.each([
  // Addresses.
  ['image list --server nonsense', 2, /"nonsense" is not the address of a server/],
  ['image list --server ftp://127.0.0.1', 2, /"ftp:\/\/127.0.0.1" is not the address of a server/],
  ['image list --server http://jane:secret@127.0.0.1', 2, /holds a name or a password[^]*--token-file/],
  ['image search x --server http://127.0.0.1:9', 7, /no server answers at http:\/\/127.0.0.1:9[^]*mintmark serve/],
  ['image list --server FOREIGN', 7, /answers, but not as a Mintmark server does[^]*Check the address/],
  ['image show ONCE --server FOREIGN', 7, /answers, but not as a Mintmark server does/],
  ['endorser list --server FOREIGN', 7, /answers, but not as a Mintmark server does/],
  ['metadata upload FILE:signed.xml --server FOREIGN', 7, /answers, but not as a Mintmark server does/],
  ['metadata download ONCE jane@example.org 2026-01-01T00:00:02Z --server FOREIGN', 7, /not as a Mintmark server/],
  ['log verify --server FOREIGN', 7, /answers, but not as a Mintmark server does/],
  ['registry export -o FILE:out --server FOREIGN', 7, /answers, but not as a Mintmark server does/],
  ['registry mirror FOREIGN --data FILE:mirror', 7, /answers, but not as a Mintmark server does/],
  ['registry mirror nonsense --data FILE:mirror', 2, /"nonsense" is not the address of a registry/],
  // Names.
  ['image show nonsense --server SERVER', 5, /nobody endorses an image nonsense[^]*mintmark image search/],
  ['image show a/b?c --server SERVER', 5, /nobody endorses an image a\/b\?c/],
  ['image list --status odd --server SERVER', 2, /status: [^]*"valid"/],
  ['endorser show nobody@example.org --server SERVER', 5, /nobody@example.org[^]*mintmark endorser list/],
  ['metadata download nonsense --server SERVER', 2, /"nonsense" is no identifier[^]*mintmark image search/],
  ['metadata download ONCE nobody --server SERVER', 2, /"nobody" is no e-mail address/],
  ['metadata download ONCE jane@example.org today --server SERVER', 2, /"today" is no date of an endorsement/],
  [
    'metadata download TWICE --server SERVER',
    2,
    /2 people endorse this image[^]*download \S+ (?:jane|joe)@example.org[^]*download \S+ (?:jane|joe)@example.org/,
  ],
  [
    'metadata download ONCE joe@example.org --server SERVER',
    5,
    /joe@example.org does not endorse this image[^]*metadata download \S+ jane@example.org/,
  ],
  // Files.
  ['metadata upload FILE:none --server SERVER', 2, /none cannot be read: there is no such file/],
  ['metadata upload FILE:folder --server SERVER', 2, /folder cannot be read: it is a folder/],
  ['metadata upload FILE:big --server SERVER', 2, /big is larger than a document may be[^]*not the image/],
  ['metadata upload FILE:empty --server SERVER', 3, /empty: [^]*not well-formed[^]*Document is empty/],
  ['metadata upload FILE:hello --server SERVER', 3, /hello: The document is refused/],
  ['metadata upload FILE:wrong.xml --server SERVER', 3, /wrong.xml: [^]*changed after it was signed/],
  ['metadata deprecate FILE:folder --reason old --key x', 2, /folder cannot be read: it is a folder/],
  ['metadata deprecate FILE:signed.xml --reason old --key FILE:none', 2, /none cannot be read[^]*metadata keygen/],
  ['metadata deprecate FILE:signed.xml --reason old --key FILE:folder', 2, /folder cannot be read: it is a folder/],
  ['metadata deprecate FILE:signed.xml --reason old --key FILE:hello', 3, /holds no PEM private key/],
  ['log verify --state FILE:hello --server SERVER', 2, /hello does not hold what was seen of a log/],
  ['log verify --state FILE:{} --server SERVER', 2, /\{\} does not hold what was seen of a log/],
  ['log verify --state FILE:folder --server SERVER', 2, /folder cannot be read: it is a folder/],
  ['log verify --state FILE:none/state --server SERVER', 2, /state cannot be written: there is no such/],
  ['log verify --leaf x --server SERVER', 2, /"x" is no number of a decision/],
  ['log verify --verifier x --server SERVER', 2, /"x" is not the key of a log[^]*name\+hash\+key/],
  ['registry export -o FILE:folder --server SERVER', 2, /folder cannot be written: it is a folder/],
  ['registry export -o FILE:none/out --server SERVER', 2, /cannot be written: there is no such/],
  ['registry import FILE:none --data FILE:mirror', 2, /none cannot be read: there is no such file/],
  ['registry import FILE:folder --data FILE:mirror', 2, /folder cannot be read: it is no file/],
  ['registry import FILE:empty --data FILE:mirror', 4, /bundle is empty[^]*registry export/],
  ['registry import FILE:big --data FILE:mirror', 4, /Line 1 of the bundle cannot be read[^]*registry export/],
  ['registry import FILE:hello --data FILE:hello', 4, /Line 1 of the bundle cannot be read/],
  ['registry mirror SERVER --data FILE:hello', 2, /hello[^]*folder/],
  ['registry mirror SERVER --data FILE:mirror --verifier x', 2, /"x" is not the key of a log[^]*name\+hash\+key/],
  ['registry mirror SERVER --data FILE:mirror --policy FILE:none', 2, /--policy says what --admitted takes in/],
  ['registry reindex --data FILE:none', 2, /there is no registry in \S+none[^]*--data/],
])('mintmark %s', async (line, code, says) => {
  const ended = await mintmark(line);
  expect({ code: ended.code, stderr: ended.stderr }).toEqual({ code, stderr: expect.stringMatching(says) as string });
  // What, and what to do; no stack.
  expect(ended.stderr).toMatch(/^mintmark: \S[^\n]*\[[a-z.-]+\]\n(?: {2}\S[^\n]*\n)+$/u);
  expect(ended.stderr).not.toMatch(/\n\s+at |Error:/u);
});

test('a document that is not valid is told as one, and so is a file that cannot be read', async () => {
  const ended = await mintmark('metadata validate FILE:folder FILE:none FILE:empty FILE:big');
  expect([ended.code, ended.stderr]).toEqual([3, '']);
  expect(ended.stdout).toMatch(/it is a folder[^]*there is no such file[^]*Document is empty[^]*has 1048577 bytes/u);
});

test.skipIf(process.getuid?.() === 0)('a file that may not be read is told so', async () => {
  expect((await mintmark('metadata upload FILE:hidden --server SERVER')).stderr).toContain(
    'cannot be read: you may not',
  );
});

test('the one endorsement that there is, or the newest of an endorser, is taken and named', async () => {
  const one = await mintmark('metadata download ONCE --server SERVER');
  expect([one.code, one.stderr]).toEqual([0, 'jane@example.org, endorsed 2026-01-01T00:00:02Z, valid\n']);
  const joe = await mintmark('metadata download TWICE joe@example.org --server SERVER');
  expect([joe.code, joe.stderr]).toEqual([0, 'joe@example.org, endorsed 2026-01-01T00:00:03Z, valid\n']);
  const whole = await mintmark('metadata download TWICE joe@example.org 2026-01-01T00:00:03Z --server SERVER');
  expect([whole.stdout, whole.stderr]).toEqual([joe.stdout, '']);
});

test('endorsers are counted, and the list says how it goes on', async () => {
  expect((await mintmark('endorser list --server SERVER')).stdout).toMatch(/\n2 of 2\n$/u);
  const first = await mintmark('endorser list --limit 1 --server SERVER');
  expect(first.stdout).toMatch(/\n1 of 2\nmore: add --after jane@example.org\n$/u);
  expect((await mintmark('endorser list --after jane@example.org --server SERVER')).stdout).toMatch(/\n1 of 2\n$/u);
  expect((await mintmark('endorser list --after x@y --server SERVER')).stdout).toBe('no endorser comes after that\n');
});
