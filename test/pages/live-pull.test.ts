// The page of an entry in a real browser, while its image is pulled: how far it is, and that it is here, without a reload.
import { chromium } from 'playwright-core';
import { expect, onTestFinished, test } from 'vitest';
import { TestServer } from '../http/running-server.ts';
import { startWebServer } from '../pull/web-server.ts';
import { describeWithTools } from '../setup/tools.ts';
import { noise } from '../vault/fresh-vault.ts';

describeWithTools('the page of an entry whose image is pulled', ['chromium'], () => {
  test('shows how far it is, and that it is here', async () => {
    const server = await TestServer.open();
    onTestFinished(() => server.close());
    const web = await startWebServer();
    const image = noise(1_000_000, 'on a page');
    web.files.set('/image', { body: image, etag: '"1"', pause: 200 });
    const uploaded = await server.upload((await server.creator.publish(image, 'Live', web.url('/image'))).document);
    const { entry } = (await uploaded.json()) as { entry: { identifier: string; email: string; created: string } };
    const browser = await chromium.launch({
      executablePath: '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
    });
    onTestFinished(() => browser.close());
    const page = await browser.newPage();
    await page.goto(`${server.url}/metadata/${entry.identifier}/${entry.email}/${entry.created}`);
    const text = page.locator('[data-pull-text]');
    await expect.poll(() => text.textContent()).toBe('It is fetched when a disk is made of it.');
    const pulling = server.operator('POST', `/cache/${entry.identifier}`);
    await expect.poll(() => text.textContent(), { timeout: 20_000 }).toMatch(/^0\.\d MiB of 1\.0 MiB proven, /u);
    expect(await page.locator('[data-pull-bar]').isVisible()).toBe(true);
    expect((await pulling).status).toBe(200);
    await expect.poll(() => text.textContent()).toBe('It is here, and every checksum is verified.');
    expect(await page.locator('[data-pull-bar]').isVisible()).toBe(false);
  }, 90_000);
});
