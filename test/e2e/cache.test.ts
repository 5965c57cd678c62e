// `mintmark cache`: the upkeep of the vault from the command line.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launcher, mintmarkJson, run, type Ended } from './command.ts';
import { Site } from './site.ts';

let site: Site;
let image: string;

const mintmark = (...args: readonly string[]): Promise<Ended> =>
  run(process.execPath, [launcher, 'cache', ...args], site.env);
const cacheJson = (...args: readonly string[]): Promise<unknown> => mintmarkJson(['cache', ...args], site.env);

beforeAll(async () => {
  site = await Site.open();
  const file = site.path('disk.img');
  writeFileSync(file, Buffer.alloc(256 * 1024, 'a disk of the cache; '));
  image = await site.publish(file, []);
  await mintmarkJson(['image', 'pull', image], site.env);
});
afterAll(() => site?.close());

test('every command says what it takes', async () => {
  const { stdout } = await mintmark('--help');
  for (const name of ['list', 'show', 'pin', 'unpin', 'evict', 'usage', 'gc', 'scrub', 'repair', 'rate', 'cancel'])
    expect(stdout).toMatch(new RegExp(`^ {2}${name} .*\\w`, 'mu'));
  expect((await mintmark('evict', '--help')).stdout).toMatch(/--free <size>.*\n.*--dry-run|--dry-run/u);
});

test('pins, dry runs, evictions and garbage', async () => {
  expect(await cacheJson('pin', image)).toEqual({ identifier: image, pinned: true });
  expect((await mintmark('list')).stdout).toContain('proven, pinned');
  expect(await mintmark('evict', image)).toMatchObject({
    code: 6,
    stderr: expect.stringContaining('pinned') as string,
  });
  expect((await mintmark('evict', '--free', '1G')).stdout).toContain('no image can go');
  expect((await mintmark('unpin', image)).stdout).toContain('not pinned');
  expect((await mintmark('evict', image, '--dry-run')).stdout).toContain('would go');
  expect(await cacheJson('usage')).toMatchObject({ images: 1, pinned: 0 });
  expect((await mintmark('usage')).stdout).toMatch(/bytes stored +\d+ in 1 packs/u);
  expect(await cacheJson('evict', '--free', '1G')).toMatchObject({ dryRun: false, evicted: [{ identifier: image }] });
  expect(await cacheJson('gc', '--dry-run')).toMatchObject({ dryRun: true, condemnedPacks: 1 });
  expect((await mintmark('gc')).stdout).toMatch(/garbage that waits +\d+ bytes in 1 packs/u);
  await mintmarkJson(['image', 'pull', image], site.env);
});

test('a scrub ends well on a sound vault, and with 1 where an image is broken', async () => {
  expect((await mintmark('scrub')).code).toBe(0);
  const packs = join(site.folder, 'data', 'vault', 'packs');
  for (const entry of readdirSync(packs, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const bytes = readFileSync(path);
    bytes[5000] = (bytes[5000] ?? 0) ^ 1;
    writeFileSync(path, bytes);
  }
  const file = site.path('disk.img');
  const content = readFileSync(file);
  site.replace(file, Buffer.alloc(1));
  const { code, stdout } = await mintmark('scrub');
  expect([code, stdout]).toEqual([1, expect.stringContaining(`broken: ${image}`)]);
  site.replace(file, content);
  expect(await cacheJson('scrub', '--restart')).toMatchObject({ repaired: [expect.any(String)], broken: [] });
  expect((await mintmark('scrub', '--cancel')).code).toBe(5);
});

test('how fast pulls may be is said, and changed', async () => {
  expect(await cacheJson('rate')).toEqual({ bytesPerSecond: null });
  expect((await mintmark('rate', '10M')).stdout).toBe('10485760 bytes per second\n');
  expect(await cacheJson('rate')).toEqual({ bytesPerSecond: 10_485_760 });
  expect(await cacheJson('rate', 'none')).toEqual({ bytesPerSecond: null });
});

test.each([
  [['rate', 'fast'], 2, 'rate: "fast" is not a number of bytes'],
  [['rate', '0'], 2, 'greater than 0'],
  [['evict'], 2, '--free SIZE'],
  [['evict', 'EwZ8mfj_wbRBZ5dZJj_3JBuyZD7', '--free', '1G'], 2, '--free SIZE'],
  [['evict', '--free', 'much'], 2, '--free: "much"'],
  [['evict', '--free', '0'], 2, '--free: "0"'],
  [['evict', '--free', '99999999999T'], 2, 'Write bytes, or a number with K, M, G or T'],
  [['evict', 'EwZ8mfj_wbRBZ5dZJj_3JBuyZD7'], 5, 'mintmark cache list'],
  [['cancel', 'EwZ8mfj_wbRBZ5dZJj_3JBuyZD7'], 5, 'mintmark job list --state active'],
  [['pin', 'nothing'], 2, '27 letters'],
  [['pin', 'EwZ8mfj_wbRBZ5dZJj_3JBuyZD7'], 5, 'mintmark image pull EwZ8'],
  [['show', 'EwZ8mfj_wbRBZ5dZJj_3JBuyZD7'], 5, 'mintmark image pull'],
  [['repair', 'EwZ8mfj_wbRBZ5dZJj_3JBuyZD7'], 5, 'mintmark image pull EwZ8'],
  [['repair', 'EwZ8mfj_wbRBZ5dZJj_3JBuyZD7', '--from', 'ftp://example.org/x'], 2, 'http(s) address'],
  [['list', '--server', 'ftp://example.org'], 2, 'Give --server'],
  [['gc', '--force'], 2, '--help'],
])('cache %j ends with %i and says what to do', async (args, code, text) => {
  const ended = await mintmark(...args);
  expect(ended).toMatchObject({ code, stderr: expect.stringContaining(text) as string });
});
