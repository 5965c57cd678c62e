// The page of an entry in a real browser, while its image is pulled: how far it is, and that it is here, without a reload.
import { writeFileSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { expect, onTestFinished, test } from 'vitest';
import { mintmarkJson } from '../e2e/command.ts';
import { Site } from '../e2e/site.ts';
import { startWebServer } from '../pull/web-server.ts';
import { describeWithTools } from '../setup/tools.ts';
import { noise } from '../vault/fresh-vault.ts';

describeWithTools('the page of an entry whose image is pulled', ['chromium'], () => {
  test('shows how far it is, and that it is here', async () => {
    // The server as it is installed: the scripts of its pages are compiled.
    const site = await Site.open();
    onTestFinished(() => site.close());
    const web = await startWebServer();
    const image = noise(1_000_000, 'on a page');
    web.files.set('/image', { body: image, etag: '"1"', pause: 200 });
    const file = site.path('image.img');
    writeFileSync(file, image);
    const identifier = await site.publish(file, ['--title', 'Live'], web.url('/image'));
    const list = await fetch(`${site.server.url}/metadata?identifier=${identifier}`, {
      headers: { accept: 'application/json' },
    });
    const { entries } = (await list.json()) as { entries: { created: string }[] };
    const browser = await chromium.launch({
      executablePath: '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
    });
    onTestFinished(() => browser.close());
    const page = await browser.newPage();
    await page.goto(`${site.server.url}/metadata/${identifier}/jane@example.org/${entries[0]?.created}`);
    const text = page.locator('#cached-image');
    await expect.poll(() => text.textContent()).toContain('It is fetched when a disk is made of it.');
    const pulling = mintmarkJson(['image', 'pull', identifier], site.env);
    await expect
      .poll(() => text.textContent(), { timeout: 20_000 })
      .toMatch(/\d+ KiB of 977 KiB fetched, .* proven, /u);
    expect(await page.locator('[data-job-bar]').isVisible()).toBe(true);
    await pulling;
    await expect.poll(() => text.textContent()).toContain('every checksum verified');
    expect(await page.locator('[data-job-bar]').isVisible()).toBe(false);
  }, 90_000);
});
