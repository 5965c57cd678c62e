// Operators with a browser: who may see the cache and the jobs, what the forms do, and that no other site can send them.
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createSessions } from '../../src/http/sessions.ts';
import { BrowserSession } from './browser-session.ts';
import { TestServer } from './running-server.ts';

let server: TestServer;
let operator: BrowserSession;
let identifier: string;

async function publish(name: string): Promise<string> {
  const answer = await server.upload(await server.document(name, Buffer.alloc(700, name)));
  return ((await answer.json()) as { entry: { identifier: string } }).entry.identifier;
}

beforeAll(async () => {
  server = await TestServer.open({ 'trusted-proxies': ['127.0.0.1'] });
  operator = await BrowserSession.signedIn(server);
  identifier = await publish('paged');
});
afterAll(() => server?.close());

const image = async (): Promise<Record<string, unknown>> => (await server.operator('GET', `/cache/${identifier}`)).body;

describe('signing in', () => {
  test.each(['/cache', '/cache/usage', '/cache/APd28Hk', '/jobs', '/jobs/1', '/jobs?state=failed'])(
    '%s sends who is not signed in to sign in, and back',
    async (path) => {
      const stranger = new BrowserSession(server);
      const shown = await stranger.show(path);
      expect([shown.status, shown.to]).toEqual([303, `/login?next=${encodeURIComponent(path)}`]);
      expect(await stranger.show(shown.to ?? '')).toMatchObject({ status: 200 });
      expect(await stranger.send('/login', { token: server.token, next: path })).toMatchObject({
        status: 303,
        to: path,
      });
    },
  );

  test('a wrong token is refused, and no cookie is set', async () => {
    const stranger = new BrowserSession(server);
    const shown = await stranger.send('/login', { token: `${server.token}x`, next: '/jobs' });
    expect([shown.status, shown.headers.getSetCookie()]).toEqual([401, []]);
    expect(shown.text).toContain('That is not the token of this server');
    expect(shown.text).toContain('name="next" value="/jobs"');
  });

  test.each([
    'https://evil.example/',
    '//evil.example/cache',
    '/\\evil.example',
    '/cache\\..\\x',
    '/cache\n//evil.example',
    '/upload',
    '',
  ])('%j is no page to go on to', async (next) => {
    const stranger = new BrowserSession(server);
    expect((await stranger.send('/login', { token: server.token, next })).to).toBe('/cache');
    expect((await new BrowserSession(server).show(`/login?next=${encodeURIComponent(next)}`)).text).toContain(
      'name="next" value="/cache"',
    );
  });

  test('the cookie is for this site alone, out of reach of scripts, and goes by TLS where the page came so', async () => {
    const send = (headers: Record<string, string>): Promise<Response> =>
      server.fetch('/login', { method: 'POST', body: new URLSearchParams({ token: server.token }), headers });
    const [plain] = (await send({})).headers.getSetCookie();
    expect(plain).toMatch(/; HttpOnly/u);
    expect(plain).toMatch(/; SameSite=Strict/u);
    expect(plain).not.toMatch(/; Secure/u);
    const [secure] = (await send({ 'x-forwarded-proto': 'https' })).headers.getSetCookie();
    expect(secure).toMatch(/; Secure/u);
    expect(plain).not.toContain(server.token);
  });

  test('no page of an operator is kept by a cache', async () => {
    for (const path of ['/cache', '/jobs', '/login'])
      expect((await operator.show(path)).headers.get('cache-control')).toBe('no-store');
  });

  test('a session that is changed, made with another token, or over is none', async () => {
    const other = createSessions({ token: 'another', now: () => new Date(), randomness: randomBytes });
    let made = '';
    other.begin({ secure: false } as never, { cookie: (_name: string, value: string) => (made = value) } as never);
    const [name = '', value = ''] = operator.cookie.split('=');
    const [until = '', nonce = '', mac = ''] = value.split('.');
    for (const forged of [
      made,
      `${Number(until) + 1}.${nonce}.${mac}`,
      `${until}.${nonce}.`,
      `${until}.${nonce}`,
      '',
    ]) {
      const stranger = new BrowserSession(server);
      stranger.cookie = `${name}=${forged}`;
      expect([forged, (await stranger.show('/cache')).status]).toEqual([forged, 303]);
    }
    expect((await operator.show('/cache')).status).toBe(200);
    server.forward(12 * 60 * 60 + 1);
    expect((await operator.show('/cache')).status).toBe(303);
    server.forward(-12 * 60 * 60 - 1);
  });

  test('signing out takes the cookie away; another site cannot make a browser do it', async () => {
    const leaving = await BrowserSession.signedIn(server);
    expect((await leaving.send('/logout', { form: 'made-up' })).status).toBe(401);
    const form = await leaving.formToken();
    expect(await leaving.send('/logout', { form })).toMatchObject({ status: 303, to: '/metadata' });
    expect((await leaving.show('/cache')).status).toBe(303);
  });

  test('the cookie alone does nothing: neither a form without its sign, nor the API', async () => {
    const other = await BrowserSession.signedIn(server);
    for (const form of ['', 'made-up', await other.formToken()])
      expect((await operator.send('/cache', { form, action: 'rate', mebibytes: '1' })).status).toBe(401);
    expect((await operator.send('/cache', { action: 'rate', mebibytes: '1' })).status).toBe(400);
    expect((await new BrowserSession(server).order({ action: 'rate', mebibytes: '1' })).status).toBe(401);
    const headers = { cookie: operator.cookie };
    expect((await server.fetch('/cache/rate', { headers })).status).toBe(401);
    expect((await server.fetch(`/cache/${identifier}`, { method: 'POST', headers })).status).toBe(401);
    expect((await server.fetch('/jobs/1', { method: 'DELETE', headers })).status).toBe(401);
    expect((await server.operator('GET', '/cache/rate')).body).toEqual({ bytesPerSecond: null });
  });
});

describe('the forms', () => {
  test('an image is asked for, fetched, pinned, unpinned and evicted, and each is first tried', async () => {
    const path = `/cache/${identifier}`;
    const dry = await operator.order({ action: 'pull', identifier, dryRun: 'true' });
    expect([dry.status, dry.text]).toEqual([200, expect.stringContaining('It would be fetched')]);
    expect((await server.operator('GET', path)).status).toBe(404);
    expect(await operator.order({ action: 'pull', identifier })).toMatchObject({ status: 303, to: path });
    await expect.poll(async () => (await image())['image'], { timeout: 20_000 }).toMatchObject({ identifier });
    expect((await operator.show(path)).text).toContain('Here, proven');
    expect((await operator.show('/cache')).text).toContain('Image paged');
    expect((await operator.order({ action: 'pull', identifier, dryRun: 'true' })).text).toContain('It is here already');

    expect(await operator.order({ action: 'pin', identifier })).toMatchObject({ status: 303, to: path });
    expect(await image()).toMatchObject({ pinned: true });
    const refused = await operator.order({ action: 'evict', identifier });
    expect([refused.status, refused.text]).toEqual([409, expect.stringContaining('because it is pinned')]);
    expect(await operator.order({ action: 'unpin', identifier })).toMatchObject({ status: 303, to: path });
    expect(await image()).toMatchObject({ pinned: false });

    expect(await operator.order({ action: 'repair', identifier })).toMatchObject({ status: 303, to: path });
    await expect
      .poll(async () => (await operator.show('/jobs?kind=pull')).text, { timeout: 20_000 })
      .toMatch(/Done(?:(?!<li).)*Repair/su);

    const would = await operator.order({ action: 'evict', identifier, dryRun: 'true' });
    expect([would.status, would.text]).toEqual([200, expect.stringContaining('It would go')]);
    const free = await operator.order({ action: 'free', gibibytes: '0.001' });
    expect(free.text).toContain('Evict this image');
    expect(free.text).toContain(`name="identifier" value="${identifier}"`);
    expect(await image()).toMatchObject({ image: { identifier } });
    expect(await operator.order({ action: 'evict', identifier })).toMatchObject({ status: 303, to: path });
    expect((await server.operator('GET', path)).status).toBe(404);
    expect((await operator.show(path)).text).toContain('Not here');
    expect((await operator.order({ action: 'free', gibibytes: '1' })).text).toContain('No image can go');
  });

  test('several images go at once', async () => {
    const both = [await publish('one'), await publish('two')];
    for (const each of both) await server.operator('POST', `/cache/${each}`);
    const form = await operator.formToken();
    const sent = await operator.send('/cache', { form, action: 'evict', identifier: both });
    expect([sent.status, sent.to]).toEqual([303, expect.stringMatching(/^\/jobs\/\d+$/u)]);
    await expect
      .poll(async () => (await server.operator('GET', '/cache')).body['images'], { timeout: 20_000 })
      .toEqual([]);
    expect((await operator.show(sent.to ?? '')).text).toContain('Eviction of 2 images');
  });

  test('garbage is collected and the vault scrubbed by jobs, whose pages say what came of it', async () => {
    expect((await operator.order({ action: 'collect', dryRun: 'true' })).text).toContain('would be freed');
    for (const [action, title] of [
      ['collect', 'Garbage collection of the vault'],
      ['scrub', 'Scrub of the vault'],
    ] as const) {
      const { status, to } = await operator.order({ action });
      expect([status, to]).toEqual([303, expect.stringMatching(/^\/jobs\/\d+$/u)]);
      await expect
        .poll(async () => (await operator.show(to ?? '')).text, { timeout: 20_000 })
        .toContain('Has ended well.');
      expect((await operator.show(to ?? '')).text).toContain(`<h1>${title}</h1>`);
      expect((await operator.show('/jobs?state=done')).text).toContain(`href="${to}"`);
    }
    expect((await operator.order({ action: 'scrub', restart: 'true' })).status).toBe(303);
  });

  test('the rate is set and taken back', async () => {
    expect((await operator.order({ action: 'rate', mebibytes: '2.5' })).to).toBe('/cache/usage');
    expect((await server.operator('GET', '/cache/rate')).body).toEqual({ bytesPerSecond: 2_621_440 });
    expect((await operator.show('/cache/usage')).text).toContain('value="2.5"');
    await operator.order({ action: 'rate', mebibytes: '' });
    expect((await server.operator('GET', '/cache/rate')).body).toEqual({ bytesPerSecond: null });
  });

  test.each([
    [{ action: 'pull', identifier: 'APd28Hk' }, 404, 'nobody endorses'],
    [{ action: 'pull', identifier: '"><script>' }, 404, '&quot;>&lt;script>'],
    [{ action: 'pin', identifier: 'APd28Hk' }, 400, 'is no image identifier'],
    [{ action: 'evict', identifier: 'LHMEHYv3CU1cGcXN1Wv8Vj6SYTR' }, 404, 'is not in the cache'],
    [{ action: 'free', gibibytes: '-1' }, 400, 'gibibytes'],
    [{ action: 'free', gibibytes: 'much' }, 400, 'gibibytes'],
    [{ action: 'rate', mebibytes: '0' }, 400, 'mebibytes'],
    [{ action: 'burn' }, 400, 'action'],
    [{ action: 'collect', more: 'x' }, 400, 'more'],
  ] as const)('%j is refused with a page that says why', async (fields, status, text) => {
    const shown = await operator.order(fields);
    expect([shown.status, shown.text]).toEqual([status, expect.stringContaining(text)]);
    expect(shown.text).not.toContain('<script>');
  });

  test('a job is cancelled and tried again by the forms of its page', async () => {
    // Nothing is served under this name any more.
    const gone = await publish('gone');
    server.files.delete('gone');
    await operator.order({ action: 'pull', identifier: gone });
    const jobs = async () =>
      (await server.operator('GET', `/jobs?key=${gone}`)).body['jobs'] as { id: number; state: string }[];
    await expect.poll(async () => (await jobs())[0]?.state, { timeout: 20_000 }).toBe('retrying');
    const id = (await jobs())[0]?.id;
    const page = await operator.show(`/jobs/${id}`);
    expect(page.text).toMatch(/Tried again.*value="cancel".*value="retry"/su);
    expect((await operator.show('/cache')).text).toContain('On their way');
    const form = await operator.formToken();
    const sent = await operator.send(`/jobs/${id}`, { form, action: 'cancel', back: 'job' });
    expect([sent.status, sent.to]).toEqual([303, `/jobs/${id}`]);
    expect((await jobs())[0]?.state).toBe('cancelled');
    expect((await operator.show(`/jobs/${id}`)).text).not.toContain('value="cancel"');
    const again = await operator.send(`/jobs/${id}`, { form, action: 'retry', back: 'job' });
    expect(again.to).toBe(`/jobs/${(await jobs())[0]?.id}`);
    expect(again.to).not.toBe(`/jobs/${id}`);
    const back = await operator.send(again.to ?? '', { form, action: 'cancel', back: 'image' });
    expect(back.to).toBe(`/cache/${gone}`);
  });

  test('the page of an entry has the forms of who is signed in, and asks others for the token', async () => {
    const list = await server.fetch(`/metadata?identifier=${identifier}`, { headers: { accept: 'application/json' } });
    const { entries } = (await list.json()) as { entries: { email: string; created: string }[] };
    const path = `/metadata/${identifier}/${entries[0]?.email}/${entries[0]?.created}`;
    expect((await operator.show(path)).text).toMatch(/name="form" value="[^"]+".*Fetch it now/su);
    expect((await new BrowserSession(server).show(path)).text).not.toContain('name="form"');
  });
});
