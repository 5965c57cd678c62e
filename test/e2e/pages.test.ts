// A person in a real browser at a real server: a document is dropped, judged, sent, confirmed by the link in the mail, and found.
import { fileURLToPath } from 'node:url';
import { chromium, type Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TestServer } from '../http/running-server.ts';
import { smtpTools, startMailServer, type MailServer } from '../mail/smtp-server.ts';
import { describeWithTools } from '../setup/tools.ts';

describeWithTools('an upload in Chromium', ['chromium', ...smtpTools], () => {
  let mail: MailServer;
  let server: TestServer;
  let browser: Browser;
  beforeAll(async () => {
    mail = await startMailServer();
    server = await TestServer.open({ 'confirm': 'new', 'smtp-url': mail.url, 'mail-from': 'registry@example.org' });
    browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] });
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
    await mail?.stop();
  });

  test('is judged before it is sent, waits, and is published by the link in the mail', async () => {
    const page = await browser.newPage();
    const said: string[] = [];
    page.on('console', (message) => said.push(message.text()));
    page.on('pageerror', (error) => said.push(String(error)));
    // The server in this process runs from the sources; scripts for browsers are only in what was built.
    await page.route('**/static/*.js', async (route) => {
      const name = new URL(route.request().url()).pathname.slice('/static/'.length);
      const path = fileURLToPath(new URL(`../../dist/src/pages/static/${name}`, import.meta.url));
      await route.fulfill({ path, contentType: 'text/javascript' });
    });
    await page.goto(`${server.url}/upload`);
    const document = await server.document('flora', Buffer.alloc(512, 'flora'));
    await page.evaluate(
      `(() => {
        const data = new DataTransfer();
        data.items.add(new File([${JSON.stringify(document)}], 'flora.xml', { type: 'text/xml' }));
        document.querySelector('.drop').dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }));
      })()`,
    );
    await page.locator('[data-verdict] h2', { hasText: 'can be published' }).waitFor();
    expect(await page.locator('[data-verdict] .steps li').count()).toBeGreaterThan(3);
    await page.locator('form[data-upload] button').press('Enter');
    await page.locator('h1', { hasText: 'Waiting for a confirmation' }).waitFor();

    const link = /http\S+/u.exec((await mail.next())?.text ?? '')?.[0] ?? '';
    await page.goto(link);
    await page.locator('h1', { hasText: 'Is this endorsement yours?' }).waitFor();
    await page.locator('button', { hasText: 'It is mine' }).press('Enter');
    await page.locator('h1', { hasText: 'Image flora' }).waitFor();
    await page.goto(`${server.url}/metadata`);
    await page.locator('input[name=q]').pressSequentially('flora');
    await page.locator('#found', { hasText: '1 entry' }).waitFor();
    await page.goto(`${server.url}/log`);
    expect(await page.locator('.rows .badge').allTextContents()).toEqual(['accepted', 'confirmed']);
    expect(said).toEqual([]);
    await page.close();
  }, 60_000);
});
