// What clients of the StratusLab Marketplace rely on (docs/stratuslab.md): their requests as they make them, and each
// parameter of the routes that both know.
import { createHash } from 'node:crypto';
import { request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { XmlDocument } from 'libxml2-wasm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildMetadata, type MetadataFields } from '../../src/metadata/build.ts';
import { encodeIdentifier } from '../../src/metadata/identifier.ts';
import { type Signer } from '../../src/signature/keys.ts';
import { signDocument } from '../../src/signature/sign.ts';
import { endorserNamed } from '../registry/signed-documents.ts';
import { TestServer } from './running-server.ts';

const sha1 = (text: string): string => createHash('sha1').update(text).digest('hex');
const identifierOf = (image: string): string => encodeIdentifier(sha1(image));

function documentOf(signer: Signer, image: string, day: number, more: Partial<MetadataFields> = {}): string {
  const fields: MetadataFields = {
    bytes: image.length,
    checksums: { 'SHA-1': sha1(image), 'SHA-256': createHash('sha256').update(image).digest('hex') },
    type: 'machine',
    title: image,
    foreign: [],
    ...more,
  };
  const created = new Date(Date.UTC(2026, 0, day));
  return signDocument(buildMetadata(fields, '2026-01-01T00:00:00Z'), signer, { created });
}

const onDay = (day: number): string => `2026-01-${String(day).padStart(2, '0')}T00:00:00Z`;

/** The document without its XML declaration, as it stands in a list. */
const inList = (document: string): string => document.slice(document.indexOf('?>') + 2).trim();

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** A request that sends these headers, and none that were not asked for. */
function ask(
  server: TestServer,
  path: string,
  {
    method = 'GET',
    headers = {},
    body = '',
  }: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Answer> {
  const { hostname, port } = new URL(server.url);
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, path, method, headers }, (response) => {
      buffer(response).then(
        (bytes) => resolve({ status: response.statusCode ?? 0, headers: response.headers, text: bytes.toString() }),
        reject,
      );
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

const xml = { accept: 'application/xml' };

/** The text that the client prints of an error: that of the root, before any element in it. */
function rootText(text: string): string {
  using document = XmlDocument.fromString(text);
  return `${document.root.name}: ${document.root.firstChild?.content ?? ''}`;
}

const rdf = 'http://www.w3.org/1999/02/22-rdf-syntax-ns#';

/** The titles in a list, found as the clients find them: rdf:RDF below the root, a description in each. */
function titlesIn(text: string): readonly string[] {
  using document = XmlDocument.fromString(text);
  expect(document.root.name).toBe('metadata');
  return document
    .find('/metadata/rdf:RDF/rdf:Description/dcterms:title', { rdf, dcterms: 'http://purl.org/dc/terms/' })
    .map(({ content }) => content)
    .sort();
}

let server: TestServer;
let jane: Signer;
let joe: Signer;
let newest: string;
let replaced: string;

async function publish(document: string): Promise<void> {
  const response = await server.upload(document);
  expect(response.status).toBe(201);
  await response.text();
}

beforeAll(async () => {
  server = await TestServer.open({ 'upload-limit': 10_000 });
  jane = await endorserNamed('jane');
  joe = await endorserNamed('joe');
  replaced = documentOf(jane, 'flowers', 1, { tag: 'old' });
  newest = documentOf(jane, 'flowers', 2, { tag: 'a tag/ä', locations: ['https://example.org/flowers'] });
  await publish(replaced);
  await publish(newest);
  await publish(documentOf(joe, 'flowers', 3, { locations: ['ftp://example.org/flowers'] }));
  await publish(documentOf(jane, 'trees', 4, { deprecated: 'they grew' }));
  await publish(documentOf(jane, 'grass', 5, { valid: '2026-01-06T00:00:00Z' }));
  await publish(documentOf(joe, 'birds', 6, { locations: ['pdisk:disks.example.org:3260:0b6c-77'] }));
});
afterAll(() => server.close());

const flowers = identifierOf('flowers');

describe('requests of the clients', () => {
  test('stratus-upload-metadata sends the document, and prints where it must be', async () => {
    const document = documentOf(joe, 'uploaded', 7);
    const headers = { ...xml, 'content-type': 'application/xml' };
    const answer = await ask(server, '/metadata', { method: 'POST', headers, body: document });
    expect(answer.status).toBe(201);
    const where = `/metadata/${identifierOf('uploaded')}/joe@example.org/${onDay(7)}`;
    expect(decodeURIComponent(String(answer.headers['location']))).toBe(where);
    expect((await ask(server, where, { headers: xml })).text).toBe(document);
    expect((await ask(server, String(answer.headers['location']), { headers: xml })).text).toBe(document);
    const again = await ask(server, '/metadata/', { method: 'POST', headers, body: document });
    expect([again.status, again.headers['location']]).toEqual([200, answer.headers['location']]);
  });

  test.each([
    ['application/rdf+xml', 'rdf'],
    ['text/xml', 'text'],
  ])('a document may be sent as %s', async (type, image) => {
    const headers = { 'content-type': type };
    const body = documentOf(joe, image, 7);
    expect((await ask(server, '/metadata', { method: 'POST', headers, body })).status).toBe(201);
  });

  test('stratus-upload-metadata shows why a document is refused', async () => {
    const headers = { ...xml, 'content-type': 'application/xml' };
    const body = newest.replace('>flowers<', '>weeds<');
    const answer = await ask(server, '/metadata', { method: 'POST', headers, body });
    expect([answer.status, answer.headers['content-type']]).toEqual([422, expect.stringContaining('application/xml')]);
    expect(rootText(answer.text)).toMatch(/^error: .*changed after it was signed.*\.$/u);
    const older = await ask(server, '/metadata', { method: 'POST', headers, body: documentOf(jane, 'flowers', 1, {}) });
    expect([older.status >= 400 && older.status < 500, rootText(older.text)]).toEqual([
      true,
      expect.stringMatching(/^error: \S/u),
    ]);
  });

  test('a form is sent as the client writes it, with parameters ahead of the file', async () => {
    const document = documentOf(joe, 'form', 8);
    const boundary = '127.0.0.1.0.4242.1400000000.000.1';
    const body = [
      `--${boundary}\r\nContent-Disposition: form-data; name="submit"\r\n\r\nupload\r\n`,
      `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="manifest.xml"\r\n`,
      `Content-Type: application/xml\r\nContent-Length: ${Buffer.byteLength(document)}\r\n\r\n${document}\r\n`,
      `--${boundary}--\r\n\r\n`,
    ].join('');
    const headers = { ...xml, 'content-type': `multipart/form-data; boundary=${boundary}` };
    expect((await ask(server, '/metadata', { method: 'POST', headers, body })).status).toBe(201);
  });

  test('the manifests of an image are the signed documents, below <metadata>', async () => {
    const { status, headers, text } = await ask(server, `/metadata/${flowers}`, { headers: xml });
    expect([status, headers['content-type']]).toEqual([200, expect.stringContaining('application/xml')]);
    expect(titlesIn(text)).toEqual(['flowers', 'flowers']);
    expect([text.includes(inList(newest)), text.includes(inList(replaced))]).toEqual([true, false]);
  });

  test('stratus-deprecate-metadata takes the newest manifest of an endorser, and sends it deprecated', async () => {
    await publish(documentOf(joe, 'moss', 1));
    const path = `/metadata/${identifierOf('moss')}/joe@example.org`;
    expect(titlesIn((await ask(server, path, { headers: xml })).text)).toEqual(['moss']);
    const headers = { ...xml, 'content-type': 'application/xml' };
    const body = documentOf(joe, 'moss', 2, { deprecated: 'it is wet' });
    expect((await ask(server, '/metadata', { method: 'POST', headers, body })).status).toBe(201);
    expect((await ask(server, path, { headers: xml })).status).toBe(404);
    expect(titlesIn((await ask(server, `${path}?status=deprecated`, { headers: xml })).text)).toEqual(['moss']);
  });

  test.each([
    `/metadata/${identifierOf('nothing')}`,
    '/metadata/nobody@example.org',
    `/metadata/${flowers}/nobody@example.org`,
    `/metadata?identifier=${flowers}&email=nobody@example.org`,
    `/metadata?created=${onDay(31)}`,
    `/metadata/${identifierOf('trees')}`,
    `/metadata/${identifierOf('grass')}`,
    `/metadata/${flowers}/jane@example.org/${onDay(31)}`,
    '/metadata/jane@example.org?tag=none',
  ])('%s: of nothing that was named, XML is an error that the client can read', async (path) => {
    const answer = await ask(server, path, { headers: xml });
    expect(answer.status).toBe(404);
    expect(rootText(answer.text)).toMatch(/^error: \S.*\.$/u);
    expect(
      (await ask(server, path, { headers: { accept: 'application/xml, application/problem+json' } })).text,
    ).toMatch(/^\{.*"code":/u);
  });

  test('an error is well-formed whatever was asked for', async () => {
    const answer = await ask(server, '/%01%EF%BF%BF%3Cb%3E?media=xml');
    expect([answer.status, rootText(answer.text)]).toEqual([404, expect.stringContaining('error: ')]);
  });

  test.each(['/metadata', '/metadata/', '/marketplace/metadata', '//metadata', '/marketplace//metadata/'])(
    '%s without an Accept header is all that is valid, as XML',
    async (path) => {
      const { status, headers, text } = await ask(server, path);
      expect([status, headers['content-type']]).toEqual([200, expect.stringContaining('application/xml')]);
      expect(titlesIn(text)).toEqual(expect.arrayContaining(['birds', 'flowers', 'flowers']));
      expect(titlesIn(text)).not.toContain('trees');
    },
  );

  test('a prefix is taken off once, and leads nowhere else', async () => {
    expect((await ask(server, '/marketplace/marketplace/metadata')).status).toBe(404);
    expect((await ask(server, '/marketplace//example.org/', { headers: { accept: 'text/html' } })).status).toBe(404);
    expect((await ask(server, '/metadata?q=a//b', { headers: { accept: 'text/html' } })).text).toContain('a//b');
  });
});

async function titlesOf(path: string): Promise<readonly string[]> {
  const separator = path.includes('?') ? '&' : '?';
  const answer = await ask(server, `${path}${separator}media=json`);
  const { entries } = JSON.parse(answer.text) as { entries: readonly { metadata: { title: string } }[] };
  const titles = entries.map(({ metadata }) => metadata.title).sort();
  const list = await ask(server, path, { headers: { accept: 'text/xml' } });
  expect(list.status === 404 ? [] : titlesIn(list.text)).toEqual(titles);
  return titles;
}

/** What a program gets that takes anything. */
const anything = async (path: string): Promise<unknown> =>
  JSON.parse((await ask(server, path, { headers: { accept: '*/*' } })).text);

describe('parameters', () => {
  const birds = identifierOf('birds');

  test.each([
    [`?identifier=${flowers}`, ['flowers', 'flowers']],
    [`/${flowers}`, ['flowers', 'flowers']],
    [`/${flowers}/`, ['flowers', 'flowers']],
    [`?identifier=${flowers}&email=joe@example.org`, ['flowers']],
    [`/${flowers}/joe@example.org`, ['flowers']],
    [`/joe@example.org/${flowers}`, ['flowers']],
    [`/${flowers}?email=joe%40example.org`, ['flowers']],
    [`/joe@example.org/${birds}/`, ['birds']],
    [`?created=${onDay(6)}`, ['birds']],
    [`/${onDay(6)}`, ['birds']],
    [`/${flowers}/${onDay(3)}`, ['flowers']],
    // Replaced since: a moment names it all the same.
    [`?created=${onDay(1)}&identifier=${flowers}`, ['flowers']],
    [`?created=${onDay(4)}`, []],
    [`?created=${onDay(4)}&status=deprecated`, ['trees']],
    [`?created=${onDay(5)}&status=expired`, ['grass']],
  ])('/metadata%s', async (path, titles) => {
    expect(await titlesOf(`/metadata${path}`)).toEqual(titles);
  });

  test.each([
    ['', ['flowers']],
    ['&status=valid', ['flowers']],
    ['&status=expired', ['grass']],
    ['&status=deprecated', ['trees']],
    ['&status=all', ['flowers', 'flowers', 'grass', 'trees']],
  ])('status: %s', async (status, titles) => {
    expect(await titlesOf(`/metadata?email=jane@example.org${status}`)).toEqual(titles);
  });

  test.each([
    ['all', ['birds', 'flowers', 'flowers']],
    ['web', ['flowers', 'flowers']],
    ['pdisk', ['birds']],
  ])('location=%s', async (location, titles) => {
    const found = (await titlesOf(`/metadata?location=${location}&limit=100`)).filter((title) =>
      ['birds', 'flowers'].includes(title),
    );
    expect(found).toEqual(titles);
  });

  test('tag: the one entry that is newest, in every form of asking', async () => {
    for (const path of [
      '/metadata/jane@example.org?tag=a%20tag%2F%C3%A4',
      '/metadata/jane@example.org?tag=%22a+tag/%C3%A4%22',
      '/tag/jane@example.org/a%20tag%2F%C3%A4',
      '/tag/jane@example.org/%22a%20tag%2F%C3%A4%22/',
    ]) {
      expect((await ask(server, path)).text).toBe(newest);
      expect((await ask(server, path, { headers: xml })).text).toBe(newest);
    }
    expect((await ask(server, '/tag/jane@example.org/old', { headers: xml })).status).toBe(404);
    expect(await titlesOf(`/metadata?email=jane@example.org&tag=${encodeURIComponent('a tag/ä')}`)).toEqual([
      'flowers',
    ]);
  });

  test('one entry, of whatever standing, is the bytes that were signed', async () => {
    const path = `/metadata/${flowers}/jane@example.org/${onDay(1)}`;
    for (const [where, headers] of [
      [path, undefined],
      [`${path}/`, xml],
      [`${path}?media=xml`, { accept: 'text/html' }],
      [path, { accept: 'text/xml;q=0.9, */*;q=0.1' }],
    ] as const) {
      const answer = await ask(server, where, headers === undefined ? {} : { headers });
      expect([answer.text === replaced, answer.headers['content-type']]).toEqual([
        true,
        expect.stringContaining('application/xml'),
      ]);
    }
    const asRdf = await ask(server, path, { headers: { accept: 'application/rdf+xml' } });
    expect([asRdf.text === replaced, asRdf.headers['content-type']]).toEqual([
      true,
      expect.stringContaining('application/rdf+xml'),
    ]);
    for (const [media, type] of [
      ['json', 'application/json'],
      ['html', 'text/html'],
    ] as const) {
      expect((await ask(server, `${path}?media=${media}`)).headers['content-type']).toContain(type);
      expect((await ask(server, path, { headers: { accept: type } })).headers['content-type']).toContain(type);
    }
  });

  test('endorsers and their tags', async () => {
    for (const end of ['', '/']) {
      expect(await anything(`/endorsers${end}`)).toMatchObject({
        endorsers: [{ email: 'jane@example.org', subject: expect.stringContaining('jane') as string }, {}],
      });
      expect(await anything(`/endorsers/jane@example.org${end}`)).toMatchObject({
        email: 'jane@example.org',
        entries: 4,
      });
      expect(await anything(`/endorsers/jane@example.org/tags${end}`)).toMatchObject({ tags: [{ tag: 'a tag/ä' }] });
      expect((await ask(server, `/upload${end}`)).status).toBe(200);
    }
  });
});

test('a list in XML is whole, and says where it goes on where it is longer than an answer may be', async () => {
  const numbers = Array.from({ length: 130 }, (_, number) => number);
  await Promise.all(numbers.map((number) => publish(documentOf(joe, `many ${number}`, 9, { os: 'many' }))));
  const all = await ask(server, '/metadata?os=many');
  expect([titlesIn(all.text).length, all.headers['link']]).toEqual([130, undefined]);
  const titles: string[] = [];
  let path = '/metadata/joe@example.org?os=many&limit=50&media=xml';
  for (let pages = 0; path !== ''; pages += 1) {
    expect(pages).toBeLessThan(3);
    const page = await ask(server, path);
    titles.push(...titlesIn(page.text));
    path = /^<(.*)>; rel="next"$/u.exec(String(page.headers['link']))?.[1] ?? '';
  }
  expect([titles.length, new Set(titles).size]).toEqual([130, 130]);
  const json = await ask(server, '/metadata?os=many', { headers: { accept: 'application/json' } });
  expect([(JSON.parse(json.text) as { total: number }).total, json.headers['link']]).toEqual([
    130,
    expect.stringContaining('rel="next"'),
  ]);
});
