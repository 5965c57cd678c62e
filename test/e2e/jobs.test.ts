// `mintmark job`, and pulls that a server goes on with by itself after kill -9 in the middle.
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { jobAnswer, jobList, type JobAnswer } from '../../src/http/routes/jobs/schema.ts';
import { startWebServer, type WebServer } from '../pull/web-server.ts';
import { describeWithTools } from '../setup/tools.ts';
import { noise, sha256Hex } from '../vault/fresh-vault.ts';
import { launcher, mintmarkJson, mustRun, run, type Ended } from './command.ts';
import { Site } from './site.ts';

let site: Site;
let count = 0;
beforeAll(async () => {
  site = await Site.open();
});
afterAll(() => site?.close());

const mintmark = (...args: readonly string[]): Promise<Ended> => run(process.execPath, [launcher, ...args], site.env);
const json = (...args: readonly string[]): Promise<unknown> => mintmarkJson(args, site.env);
const shown = async (id: number): Promise<JobAnswer> => jobAnswer.parse(await json('job', 'show', String(id)));

/** Bytes that nobody else has, published at a location of this web server, which need not serve them. */
async function published(web: WebServer, bytes: Buffer, format = 'raw'): Promise<string> {
  count += 1;
  const file = site.path(`image-${count}.img`);
  writeFileSync(file, bytes);
  return await site.publish(file, ['--title', `Image ${count}`, '--format', format], web.url(`/${count}`));
}

/** Packs in the vault. */
function packs(): number {
  const entries = readdirSync(site.path('data/vault'), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile() && /\/packs\//.test(`${entry.parentPath}/`)).length;
}

/** Bytes of the file that is being fetched. */
function partBytes(): number {
  const parts = readdirSync(site.path('data/pulls')).filter((name) => name.endsWith('.part'));
  return Math.max(0, ...parts.map((name) => statSync(site.path(`data/pulls/${name}`)).size));
}

/** Leaves the pull to the server; the number of its job. */
async function begin(identifier: string): Promise<number> {
  return ((await json('image', 'pull', identifier, '--no-wait')) as { job: number }).job;
}

describe('kill -9 of a server that pulls', () => {
  test('an image that goes into the vault as it comes: the next one asks only for what is not there', async () => {
    const web = await startWebServer();
    const bytes = noise(72 * 1024 * 1024, 'more than fits in hand');
    const identifier = await published(web, bytes);
    const before = packs();
    let crashed = false;
    const held = new AbortController();
    web.files.set(`/${count}`, {
      body: bytes,
      etag: '"1"',
      async onPiece(offset) {
        if (crashed || offset < 68 * 1024 * 1024) return;
        held.abort();
        await new Promise(() => undefined);
      },
    });
    const id = await begin(identifier);
    if (!held.signal.aborted) await once(held.signal, 'abort');
    // Four full packs; the rest is in hand.
    await expect.poll(() => packs() - before, { timeout: 30_000 }).toBe(4);
    crashed = true;
    await site.crash();
    const { code } = await mintmark('job', 'show', String(id), '--follow');
    expect(code).toBe(0);
    expect(web.requests.map(({ range }) => range)).toEqual([undefined, `bytes=${64 * 1024 * 1024}-`]);
  });

  const image = noise(4_000_000, 'pulled by a server that dies');
  test.each([
    ['before the first byte', 0],
    ['in the middle', 0.5],
    ['before the last bytes', 0.98],
  ])('%s: the next one goes on by itself', async (_when, share) => {
    const web = await startWebServer();
    const bytes = Buffer.concat([image, Buffer.from(String(share))]);
    const identifier = await published(web, bytes);
    const reached = new AbortController();
    let crashed = false;
    web.files.set(`/${count}`, {
      body: bytes,
      etag: '"1"',
      async onPiece(offset) {
        if (crashed || offset < Math.floor((bytes.length * share) / 65_536) * 65_536) return;
        reached.abort();
        await new Promise(() => undefined);
      },
    });
    const id = await begin(identifier);
    if (!reached.signal.aborted) await once(reached.signal, 'abort');
    // What the web server sent may still be on its way.
    const arrived = Math.max(0, Math.floor(bytes.length * share) - 512 * 1024);
    await expect.poll(() => partBytes(), { timeout: 30_000 }).toBeGreaterThanOrEqual(arrived);
    crashed = true;
    await site.crash();
    const { stdout, code } = await mintmark('job', 'show', String(id), '--follow');
    expect([code, stdout]).toEqual([0, expect.stringMatching(/attempt 1, .*: lost\nattempt 2, .*: done/u)]);
    expect(await json('cache', 'show', identifier)).toMatchObject({ image: { identifier }, failure: null });
    expect(web.sent).toBeLessThan(1.6 * bytes.length);
  });
});

test('a repair that kill -9 ends in the middle is gone on with by the next server, and by nobody twice', async () => {
  const web = await startWebServer();
  const bytes = noise(1_000_000, 'repaired by a server that dies');
  const identifier = await published(web, bytes);
  web.files.set(`/${count}`, { body: bytes, etag: '"1"' });
  await json('image', 'pull', identifier);
  for (const entry of readdirSync(site.path('data/vault/packs'), { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = `${entry.parentPath}/${entry.name}`;
    const pack = readFileSync(path);
    const at = pack.indexOf(bytes.subarray(0, 4096));
    if (at === -1) continue;
    pack[at + 100] = (pack[at + 100] ?? 0) ^ 1;
    writeFileSync(path, pack);
  }
  const reached = new AbortController();
  let crashed = false;
  web.files.set(`/${count}`, {
    body: bytes,
    etag: '"1"',
    async onPiece() {
      if (crashed) return;
      reached.abort();
      await new Promise(() => undefined);
    },
  });
  const { job } = (await json('cache', 'repair', identifier, '--no-wait')) as { job: number };
  if (!reached.signal.aborted) await once(reached.signal, 'abort');
  crashed = true;
  await site.crash();
  const { stdout, code } = await mintmark('job', 'show', String(job), '--follow');
  expect([code, stdout]).toEqual([0, expect.stringMatching(/attempt 1, .*: lost\nattempt 2, .*: done/u)]);
  expect((await shown(job)).result).toMatchObject({ lostChunks: 1, sources: ['its locations'] });
  expect((await mintmark('cache', 'repair', identifier)).stdout).toContain('has lost nothing');
  expect((await mintmark('cache', 'scrub')).code).toBe(0);
});

/** Resolves when the pull of an image tells that it is in this phase. */
async function phaseOf(identifier: string, phase: string): Promise<void> {
  const enough = new AbortController();
  const { body } = await fetch(new URL('/events', site.server.url), { signal: enough.signal });
  let heard = '';
  for await (const piece of body ?? []) {
    heard += Buffer.from(piece as Uint8Array).toString();
    if (heard.includes(`"identifier":"${identifier}","phase":"${phase}"`)) break;
  }
  enough.abort();
}

describeWithTools('kill -9 of a server that converts', ['qemu-img'], () => {
  test.each(['converting', 'storing'])(
    'while it is %s: the next one goes on by itself, and leaves nothing',
    async (phase) => {
      const web = await startWebServer();
      const [raw, disk] = [site.path('converted.raw'), site.path('converted.qcow2')];
      const content = noise(48 * 1024 * 1024, `converted by a server that dies while ${phase}`);
      writeFileSync(raw, content);
      await mustRun('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', raw, disk]);
      const bytes = readFileSync(disk);
      const identifier = await published(web, bytes, 'qcow2');
      web.files.set(`/${count}`, { body: bytes, etag: '"1"' });
      // A repair before this has left a damaged copy of a chunk behind.
      const { damaged } = (await json('cache', 'scrub')) as { damaged: readonly string[] };
      const reached = phaseOf(identifier, phase);
      const id = await begin(identifier);
      await reached;
      await site.crash();
      const { stdout, code } = await mintmark('job', 'show', String(id), '--follow');
      expect([code, stdout]).toEqual([0, expect.stringMatching(/attempt 1, .*: lost\nattempt 2, .*: done/u)]);
      // What was fetched was not fetched again.
      expect(web.sent).toBe(bytes.length);
      expect(readdirSync(site.path('data/pulls'))).toEqual([]);
      const { image } = (await json('cache', 'show', identifier)) as { image: { diskSha256: string } };
      expect(image.diskSha256).toBe(sha256Hex(content));
      expect(await json('cache', 'scrub')).toMatchObject({ damaged, broken: [] });
    },
  );
});

test('jobs are listed, shown, cancelled and tried again', async () => {
  const web = await startWebServer();
  const slow = noise(1_000_000, 'a slow image');
  const identifier = await published(web, slow);
  // Longer than the commands that follow, however busy the machine is.
  web.files.set(`/${count}`, { body: slow, pause: 20_000 });
  expect((await mintmark('image', 'pull', identifier, '--no-wait')).stdout).toMatch(
    /^job \d+ pulls it: mintmark job show \d+ --follow\n$/u,
  );
  const id = await begin(identifier);
  expect((await mintmark('job', 'list', '--state', 'active')).stdout).toMatch(
    new RegExp(`^${id} +pull +${identifier} .*(queued|running|waiting|fetching)`, 'mu'),
  );
  const following = mintmark('job', 'show', String(id), '--follow');
  expect((await mintmark('job', 'cancel', String(id))).stdout).toMatch(/^job \d+ is (being )?cancelled\n$/u);
  expect(await following).toMatchObject({ code: 130, stderr: expect.stringContaining('[jobs.cancelled]') as string });
  expect((await shown(id)).state).toBe('cancelled');
  const list = jobList.parse(await json('job', 'list', '--kind', 'pull', '--of', identifier, '--limit', '1'));
  expect(list.jobs).toMatchObject([{ id, state: 'cancelled' }]);
  const again = jobAnswer.parse(await json('job', 'retry', String(id)));
  expect(again).toMatchObject({ kind: 'pull', key: identifier });
  expect(again.id).toBeGreaterThan(id);
  expect((await mintmark('job', 'retry', String(again.id))).stdout).toContain(`job ${again.id} tries it`);
  expect((await mintmark('job', 'cancel', String(again.id))).code).toBe(0);
});

test('a pull that fails tells why, and so does its job', async () => {
  const web = await startWebServer();
  const identifier = await published(web, noise(1000, 'never there'));
  const pulled = await mintmark('image', 'pull', identifier);
  expect(pulled).toMatchObject({ code: 7, stderr: expect.stringContaining('[pull.unreachable]') as string });
  expect(pulled.stderr).toMatch(/tries it again by itself at .*; see "mintmark job show \d+"/u);
  expect((await mintmark('job', 'list')).stdout).toMatch(/again at .*404/u);
  expect((await mintmark('cache', 'show', identifier)).stdout).toMatch(/not here: .*404.*; again at /u);
});

test.each([
  [['show', '4711'], 5],
  [['cancel', '4711'], 5],
  [['retry', '4711'], 5],
  [['show', 'seven'], 2],
  [['show'], 2],
  [['list', '--state', 'tired'], 2],
  [['list', '--limit', '0'], 2],
])('job %j ends with %i', async (args, code) => {
  expect((await mintmark('job', ...args)).code).toBe(code);
});

test('every command says what it takes', async () => {
  const { stdout } = await mintmark('job', '--help');
  for (const name of ['list', 'show', 'retry', 'cancel'])
    expect(stdout).toMatch(new RegExp(`^ {2}${name} .*\\w`, 'mu'));
});
