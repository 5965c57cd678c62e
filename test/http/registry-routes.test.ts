// The registry over HTTP: one URL for people and programs, and a clear answer to whatever is wrong.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { TestServer } from './running-server.ts';

let server: TestServer;
let document: string;
let path: string;
let identifier: string;

beforeAll(async () => {
  server = await TestServer.open();
  document = await server.document('one.img', Buffer.alloc(4096, 'one'));
  const response = await server.upload(document);
  path = response.headers.get('location') ?? '';
  ({ identifier } = ((await response.json()) as { entry: { identifier: string } }).entry);
});
afterAll(() => server.close());

async function json(where: string): Promise<Record<string, unknown>> {
  const response = await server.fetch(where, { headers: { accept: 'application/json' } });
  expect(response.status).toBe(200);
  return (await response.json()) as Record<string, unknown>;
}

async function check(body: string | FormData): Promise<unknown> {
  const headers = typeof body === 'string' ? { 'content-type': 'application/xml' } : undefined;
  const response = await server.fetch('/metadata/check', { method: 'POST', body, ...(headers && { headers }) });
  expect(response.status).toBe(200);
  return await response.json();
}

describe('upload', () => {
  test('the same bytes again change nothing', async () => {
    const response = await server.upload(document);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ outcome: 'unchanged' });
  });

  test('a changed document is refused with every reason, and is not listed', async () => {
    const response = await server.upload(document.replace('>Image one.img<', '>Image two.img<'));
    expect(response.status).toBe(422);
    expect(response.headers.get('content-type')).toContain('application/problem+json');
    expect(await response.json()).toMatchObject({
      code: 'registry.refused',
      failures: [
        { code: 'digest-mismatch', message: expect.stringContaining('changed after it was signed') as string },
      ],
    });
    expect((await json('/metadata?q=two'))['total']).toBe(0);
  });

  test('a form with a file is as good, and leads people to the page', async () => {
    const form = new FormData();
    form.set('document', new Blob([await server.document('form.img', Buffer.alloc(512, 'f'))]), 'form.xml');
    const response = await server.fetch('/metadata', { method: 'POST', body: form, headers: { accept: 'text/html' } });
    expect(response.status).toBe(303);
    expect(response.headers.get('location')).toMatch(/^\/metadata\//u);
  });

  test('people see on a page why a document is refused', async () => {
    const form = new FormData();
    form.set('document', new Blob(['<nothing/>']), 'bad.xml');
    const response = await server.fetch('/metadata', { method: 'POST', body: form, headers: { accept: 'text/html' } });
    expect(response.status).toBe(422);
    expect(await response.text()).toContain('</html>');
  });

  test.each([
    ['too large', { 'content-type': 'application/xml' }, 'x'.repeat(1024 * 1024 + 1), 413, 'too-large'],
    ['not XML', { 'content-type': 'application/json' }, '{}', 415, 'media-type'],
    ['an empty form', { 'content-type': 'multipart/form-data; boundary=x' }, '--x--\r\n', 400, 'usage'],
    ['a broken form', { 'content-type': 'multipart/form-data' }, 'x', 400, 'usage'],
  ])('%s', async (_what, headers, body, status, code) => {
    const response = await server.fetch('/metadata', { method: 'POST', headers, body });
    expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([status, code]);
  });
});

describe('a check', () => {
  test('tells what would become of a document, and takes nothing in', async () => {
    const fresh = await server.document('check.img', Buffer.alloc(512, 'c'));
    const before = await (await server.fetch('/log/checkpoint')).text();
    expect(await check(fresh)).toMatchObject({ accepted: true, title: 'This document can be published', failures: [] });
    expect(await check(document)).toMatchObject({ accepted: true, title: 'This document is here already' });
    const changed = fresh.replace('>Image check.img<', '>Image other.img<');
    expect(await check(changed)).toMatchObject({ accepted: false, failures: [{ code: 'digest-mismatch' }] });
    const form = new FormData();
    form.set('document', new Blob([changed]), 'form.xml');
    expect(await check(form)).toMatchObject({ accepted: false });
    expect(await (await server.fetch('/log/checkpoint')).text()).toBe(before);
  });

  test('its body has the limits of an upload', async () => {
    const headers = { 'content-type': 'application/xml' };
    const body = 'x'.repeat(1024 * 1024 + 1);
    const response = await server.fetch('/metadata/check', { method: 'POST', headers, body });
    expect([response.status, await response.json()]).toMatchObject([413, { code: 'too-large' }]);
  });
});

describe('reading', () => {
  test('one URL answers JSON, the signed bytes and a page', async () => {
    expect(await json(path)).toMatchObject({ identifier, standing: 'valid', metadata: { title: 'Image one.img' } });
    const xml = await server.fetch(path, { headers: { accept: 'application/xml' } });
    expect(await xml.text()).toBe(document);
    expect(await (await server.fetch(`${path}?media=xml`)).text()).toBe(document);
    const page = await server.fetch(path, { headers: { accept: 'text/html' } });
    expect(await page.text()).toContain('Image one.img');
  });

  test('a list in XML holds the documents', async () => {
    const xml = await (await server.fetch(`/metadata/${identifier}?media=xml`)).text();
    expect(xml).toMatch(/^<\?xml [^>]*\?>\n<metadata>\n<rdf:RDF[\s\S]*<\/rdf:RDF>\s*<\/metadata>\n$/u);
  });

  test('arguments of the path are told apart by their form', async () => {
    for (const narrowed of [
      `/metadata/${identifier}`,
      '/metadata/jane.tester@example.org',
      `/metadata/jane.tester@example.org/${identifier}`,
    ]) {
      expect((await json(narrowed))['total']).toBeGreaterThan(0);
    }
    const wrong = await server.fetch('/metadata/what-is-this');
    expect([wrong.status, await wrong.json()]).toMatchObject([404, { code: 'not-found' }]);
  });

  test('the newest entry with a tag', async () => {
    for (const route of [
      '/metadata/jane.tester@example.org?tag=flora-and-fauna',
      '/tag/jane.tester@example.org/flora-and-fauna',
    ]) {
      expect(await json(route)).toMatchObject({ standing: 'valid' });
    }
    expect((await server.fetch('/tag/jane.tester@example.org/none')).status).toBe(404);
  });

  test('endorsers, their tags, images', async () => {
    expect(await json('/endorsers')).toMatchObject({ endorsers: [{ email: 'jane.tester@example.org' }] });
    expect(await json('/endorsers/jane.tester@example.org/tags')).toMatchObject({ tags: [{ tag: 'flora-and-fauna' }] });
    expect(await json(`/images/${identifier}`)).toMatchObject({
      identifier,
      endorsements: [{ admitted: true }],
      cache: null,
    });
  });

  test.each([
    ['/metadata?status=odd', 400],
    ['/metadata?limit=0', 400],
    ['/metadata?media=pdf', 406],
    ['/images/none', 404],
    ['/endorsers/nobody@example.org', 404],
    ['/nowhere', 404],
  ])('%s is answered by a problem', async (where, status) => {
    const response = await server.fetch(where);
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ status, action: expect.stringMatching(/\.$/u) as string });
  });

  test('a browser gets a page of its own for what is not there', async () => {
    const response = await server.fetch('/nowhere', { headers: { accept: 'text/html' } });
    expect(response.headers.get('content-type')).toContain('text/html');
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
  });
});

test('the log proves that the decision is in it', async () => {
  const { entries } = (await json('/log')) as { entries: { seq: number; decision: { decision: string } }[] };
  expect(entries.map(({ decision }) => decision.decision)).toContain('refused');
  expect(await json('/log/proof/inclusion?seq=0')).toMatchObject({ seq: 0 });
  expect(await (await server.fetch('/log/checkpoint')).text()).toMatch(/^\S+\/log\n\d+\n/u);
  expect((await server.fetch('/log/tile/0/000.p/1')).status).toBe(200);
});

test('people see the log on a page that every page leads to', async () => {
  const page = await (await server.fetch('/log', { headers: { accept: 'text/html' } })).text();
  expect(page).toContain(`<a href="${path}">${identifier}</a>`);
  expect(page).toContain('/log+');
  expect(await (await server.fetch('/log?media=html&before=0')).text()).toContain('Nothing has been decided yet.');
  expect(await (await server.fetch('/upload')).text()).toContain('<a href="/log">Log</a>');
});

test('events tell of uploads', async () => {
  const response = await server.fetch('/events');
  const reader = response.body?.getReader();
  const uploaded = server.upload(await server.document('event.img', Buffer.alloc(512, 'e')));
  let heard = '';
  while (!heard.includes('event: entry')) heard += new TextDecoder().decode((await reader?.read())?.value);
  expect(heard).toContain('jane.tester@example.org');
  await reader?.cancel();
  expect((await uploaded).status).toBe(201);
});

const tagOf = (response: Response): string => response.headers.get('etag') ?? '';

/** fetch says no-cache by itself where a condition is given. */
const ask = (media: string, tag?: string): Promise<Response> => {
  const condition = tag === undefined ? {} : { 'if-none-match': tag, 'cache-control': 'max-age=0' };
  return server.fetch('/metadata', { headers: { accept: media, ...condition } });
};

describe('a list that a client has already', () => {
  test('is not sent again until the registry changes', async () => {
    for (const media of ['application/json', 'text/html', 'application/xml']) {
      const first = await ask(media);
      expect(first.status).toBe(200);
      expect(first.headers.get('vary')).toContain('Accept');
      expect(first.headers.get('cache-control')).toBe('no-cache');
      const again = await ask(media, tagOf(first));
      expect({ media, status: again.status, body: await again.text() }).toEqual({ media, status: 304, body: '' });
      expect(tagOf(again)).toBe(tagOf(first));
    }
    const before = tagOf(await ask('application/json'));
    expect((await ask('text/html', before)).status).toBe(200);
    await server.upload(await server.document('etag.img', Buffer.alloc(4096, 'etag')));
    expect((await ask('application/json', before)).status).toBe(200);
  });

  test('is sent again by a server that was started anew', async () => {
    const tag = tagOf(await ask('application/json'));
    await server.restart();
    expect((await ask('application/json', tag)).status).toBe(200);
  });

  test('is made anew as a page of a site with a policy, which says what is admitted', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'mintmark-policy-'));
    const policy = join(folder, 'policy.json');
    writeFileSync(policy, JSON.stringify({ version: 1, endorsers: { deny: ['*@example.org'] } }));
    const strict = await TestServer.open({ policy });
    onTestFinished(async () => {
      await strict.close();
      rmSync(folder, { recursive: true });
    });
    await strict.upload(await strict.document('denied', Buffer.alloc(512, 'denied')));
    const response = await strict.fetch('/metadata', { headers: { accept: 'text/html' } });
    expect(response.headers.get('cache-control')).toBeNull();
    expect(await response.text()).toContain('Not admitted here');
    expect((await strict.fetch('/metadata')).headers.get('cache-control')).toBe('no-cache');
    expect(await (await server.fetch('/metadata', { headers: { accept: 'text/html' } })).text()).not.toContain(
      'dmitted here',
    );
  });

  test('is made anew where it depends on the policy', async () => {
    const response = await server.fetch('/metadata?admitted=true', { headers: { accept: 'application/json' } });
    expect(response.headers.get('cache-control')).toBeNull();
  });
});
