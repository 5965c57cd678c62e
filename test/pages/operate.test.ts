// What an operator does with a browser: each form of the cache and the jobs is used, by mouse with scripts, and by keyboard without; and what runs is seen to run.
import { type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeWithTools } from '../setup/tools.ts';
import { launchChromium, listenTo, openContext } from './browser.ts';
import { openBusySite, type BusySite } from './busy-site.ts';

const patience = { timeout: 30_000 };

/** The button of the form that does this. */
const form = (action: string, button = 'button:not([name])'): string =>
  `form:has(input[name=action][value=${action}]) ${button}`;
const dryRun = (action: string): string => form(action, 'button[name=dryRun]');

describeWithTools('an operator in Chromium', ['chromium'], () => {
  let site: BusySite;
  let browser: Browser;
  beforeAll(async () => {
    site = await openBusySite(2);
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser?.close();
    await site?.close();
  });

  const state = async (path: string): Promise<Record<string, unknown>> =>
    (await site.server.operator('GET', path)).body;

  describe.each([
    ['with scripts, by mouse', true],
    ['without scripts, by keyboard', false],
  ] as const)('%s', (_name, javaScriptEnabled) => {
    let page: Page;
    let said: readonly string[];
    beforeAll(async () => {
      const context = await openContext(browser, site, false, { javaScriptEnabled });
      page = await context.newPage();
      said = listenTo(page);
      await page.goto('/cache');
      await page.locator('input[name=token]').fill(site.server.token);
      await use('form.sign-in button');
      await page.locator('h1', { hasText: 'Cache' }).waitFor();
    });
    afterAll(() => page.context().close());

    /** Uses a button: by mouse, or after Tab has led to it. */
    async function use(selector: string): Promise<void> {
      const button = page.locator(selector).first();
      await button.waitFor();
      const loaded = page.waitForEvent('load');
      if (javaScriptEnabled) await button.click();
      else {
        await button.focus();
        await page.keyboard.press('Shift+Tab');
        await page.keyboard.press('Tab');
        await page.locator(':focus').and(button).waitFor();
        await page.keyboard.press('Enter');
      }
      await loaded;
    }

    const outcome = (): Promise<string | null> => page.locator('#outcome').textContent();

    test('an image is pinned and unpinned, tried to be evicted, evicted, asked what a fetch would do, and fetched', async () => {
      const { identifier } = site.entries.here;
      const path = `/cache/${identifier}`;
      await page.goto(path);
      await use(form('pin'));
      expect(await state(path)).toMatchObject({ pinned: true });
      await use(form('evict'));
      expect(await outcome()).toBe('This image is in use');
      await use(form('unpin'));
      expect(await state(path)).toMatchObject({ pinned: false });
      await use(dryRun('evict'));
      expect(await outcome()).toBe('It would go');
      expect(await state(path)).toMatchObject({ image: { identifier } });
      await use(form('evict'));
      expect(await page.locator('#cached').textContent()).toContain('Not here');
      expect((await site.server.operator('GET', path)).status).toBe(404);
      await page.goto('/cache');
      await page.locator('input[name=identifier]').fill(identifier);
      await use(dryRun('pull'));
      expect(await outcome()).toBe('It would be fetched');
      await use(form('pull'));
      await expect.poll(async () => (await state(path))['image'], patience).toMatchObject({ identifier });
      if (!javaScriptEnabled) await page.reload();
      await page.locator('#cached', { hasText: 'Here, proven' }).waitFor();
      await use(form('repair'));
      await expect
        .poll(async () => (await state('/jobs?limit=1'))['jobs'], patience)
        .toMatchObject([{ kind: 'pull', key: identifier, state: 'done' }]);
    });

    test('garbage is collected, the vault scrubbed, room made and the rate set, each tried first where it can be', async () => {
      await page.goto('/cache/usage');
      await use(dryRun('collect'));
      expect(await outcome()).toContain('would be freed');
      await use(form('collect'));
      await ended('Garbage collection of the vault');
      await page.goto('/cache/usage');
      await page.locator('input[name=restart]').check();
      await use(form('scrub'));
      await ended('Scrub of the vault');
      await page.goto('/cache/usage');
      await page.locator('input[name=gibibytes]').fill('0.001');
      await use(form('free'));
      expect(await page.locator('#would-go').textContent()).toContain('These would go');
      expect(await page.locator('.notice .rows li').count()).toBe(2);
      expect((await state('/cache'))['images']).toHaveLength(3);
      await page.locator('input[name=mebibytes]').fill('3');
      await use(form('rate'));
      expect(await state('/cache/rate')).toEqual({ bytesPerSecond: 3 * 1024 ** 2 });
      await page.locator('input[name=mebibytes]').fill('');
      await use(form('rate'));
      expect(await state('/cache/rate')).toEqual({ bytesPerSecond: null });
    });

    async function ended(title: string): Promise<void> {
      expect(await page.locator('h1').textContent()).toBe(title);
      const path = new URL(page.url()).pathname;
      await expect.poll(async () => (await state(path))['state'], patience).toBe('done');
      if (!javaScriptEnabled) await page.reload();
      await page.locator('#state', { hasText: 'Done' }).waitFor();
    }

    test('a job that waits for its next attempt is tried again, cancelled, and begun anew', async () => {
      const { identifier } = site.entries.away;
      const newest = async () =>
        ((await state(`/jobs?key=${identifier}&limit=1`))['jobs'] as { id: number; state: string; attempts: [] }[])[0];
      await expect.poll(async () => (await newest())?.state, patience).toBe('retrying');
      const before = await newest();
      await page.goto(`/jobs/${before?.id}`);
      await use(form('retry'));
      await expect
        .poll(async () => (await newest())?.attempts.length, patience)
        .toBeGreaterThan(before?.attempts.length ?? 0);
      await expect.poll(async () => (await newest())?.state, patience).toBe('retrying');
      await page.reload();
      await use(form('cancel'));
      await expect.poll(async () => (await newest())?.state, patience).toBe('cancelled');
      await page.reload();
      await use(form('retry'));
      expect(page.url()).toBe(`${site.server.url}/jobs/${(await newest())?.id}`);
      expect((await newest())?.id).not.toBe(before?.id);
    });

    test('signs out, and the browser had nothing to complain of', async () => {
      await use('form.leave button');
      await page.locator('h1', { hasText: 'Images' }).waitFor();
      await page.goto('/cache');
      expect(await page.locator('h1').textContent()).toBe('Sign in as an operator');
      expect(said).toEqual([]);
    });
  });

  test('what runs is seen to run, on each page that tells of it; it is cancelled, begun again, and seen to end', async () => {
    const { identifier, path } = site.entries.coming;
    const context = await openContext(browser, site, true);
    const pages = await Promise.all(
      [path, '/cache', `/cache/${identifier}`, '/jobs', `/jobs/${site.jobs.running}`].map(async (address) => {
        const page = await context.newPage();
        const said = listenTo(page);
        await page.goto(address);
        return { address, page, said, row: page.locator(`[data-job="${site.jobs.running}"]`) };
      }),
    );
    const texts = (): Promise<readonly (string | null)[]> =>
      Promise.all(pages.map(({ row }) => row.locator('[data-job-text]').textContent()));
    const values = (): Promise<readonly number[]> =>
      Promise.all(pages.map(async ({ row }) => Number(await row.locator('[data-job-bar]').getAttribute('value'))));
    const proven: unknown = expect.stringMatching(/ of 19\.5 MiB fetched, .* proven, /u);
    await expect.poll(texts, patience).toEqual(pages.map(() => proven));
    const before = await values();
    // The figures of all grow, and no page was loaded again.
    for (const { page } of pages) await page.evaluate("document.body.dataset.same = 'yes'");
    await expect
      .poll(async () => (await values()).map((value, at) => value > (before[at] ?? 1)), patience)
      .toEqual(pages.map(() => true));

    const [entry, , image] = pages;
    await image?.page.locator('button', { hasText: 'Cancel' }).click();
    await entry?.page.locator('#cached', { hasText: 'Not here' }).waitFor();
    for (const { address, page } of pages.slice(3)) {
      const badge = page.locator(`[data-job="${site.jobs.running}"] .badge`).first();
      await expect.poll(async () => [address, await badge.textContent()], patience).toEqual([address, 'Cancelled']);
    }
    await expect
      .poll(() => pages[1]?.page.locator('#pulls').textContent(), patience)
      .not.toContain('Flora and Fauna, coming');

    // The other pages learn of it by themselves.
    site.letCome();
    await image?.page.locator('button', { hasText: 'Fetch it now' }).click();
    await entry?.page.locator('#cached', { hasText: 'Here, proven' }).waitFor();
    await image?.page.locator('#cached', { hasText: 'Here, proven' }).waitFor();
    await pages[1]?.page.locator('#here', { hasText: 'Flora and Fauna, coming' }).waitFor();
    await pages[3]?.page
      .locator('#jobs li', { hasText: 'Flora and Fauna, coming' })
      .filter({ hasText: 'Done' })
      .waitFor();
    // That on which forms were sent is another by now.
    const watching = pages.filter((one) => one !== image);
    expect(await Promise.all(watching.map(({ page }) => page.evaluate('document.body.dataset.same')))).toEqual(
      watching.map(() => 'yes'),
    );
    expect(pages.flatMap(({ said }) => said)).toEqual([]);
    await context.close();
  });
});
