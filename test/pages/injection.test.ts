// The pages of a whole server in a real browser, with texts in every field, certificate and search that try to be more.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServerProcess, type ServerProcess } from '../../cli/demo/server-process.ts';
import { launcher } from '../e2e/command.ts';
import { endorserCalled, fullOf, tamperedWith } from '../http/injection/documents.ts';
import { payloads } from '../http/injection/payloads.ts';
import { describeWithTools } from '../setup/tools.ts';

/** Those that a browser could take for something to run, and one for the database. */
const tried = payloads.filter((payload) => /[<>]|onmouse|javascript|drop table/u.test(payload));

/** Runs before a page's own scripts: whatever the policy of the page has to forbid is told. */
const tellViolations = `addEventListener('securitypolicyviolation', (event) =>
  console.error('blocked: ' + event.violatedDirective + ' ' + event.blockedURI + ' ' + event.sample));`;

/** Hovers and focuses nothing in particular, everywhere: what waits for that has its chance. */
const touchAll = (page: Page): Promise<unknown> =>
  page.evaluate(`for (const element of document.body.querySelectorAll('*')) {
    for (const type of ['mouseover', 'mouseenter', 'focus', 'load', 'error', 'toggle'])
      element.dispatchEvent(new Event(type));
  }`);

describeWithTools('texts in Chromium that try to be more', ['chromium'], () => {
  const folder = mkdtempSync(join(tmpdir(), 'mintmark-injected-'));
  let server: ServerProcess;
  let browser: Browser;

  beforeAll(async () => {
    // The server as it is installed: the scripts of its pages are compiled.
    server = await startServerProcess(launcher, join(folder, 'data'), ['--upload-limit', '10000']);
    browser = await chromium.launch({
      executablePath: '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
    });
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
    rmSync(folder, { recursive: true });
  });

  /** A page that keeps all that should not happen on it. */
  async function watchedPage(): Promise<{ page: Page; said: string[] }> {
    const page = await browser.newPage();
    await page.addInitScript(tellViolations);
    const said: string[] = [];
    page.on('console', (message) => {
      // Chromium says of each answer that is a failure that it is one.
      if (!/status of 4\d\d/u.test(message.text())) said.push(message.text());
    });
    page.on('pageerror', (error) => said.push(String(error)));
    page.on('dialog', (dialog) => {
      said.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on('request', (request) => {
      const { origin, pathname } = new URL(request.url());
      if (origin !== new URL(server.url).origin || pathname.endsWith('/x')) said.push(`asked for ${request.url()}`);
    });
    return { page, said };
  }

  async function publish(document: string): Promise<string> {
    const headers = { 'content-type': 'application/xml' };
    const response = await fetch(new URL('/metadata', server.url), { method: 'POST', headers, body: document });
    expect(response.status).toBe(201);
    await response.text();
    return response.headers.get('location') ?? '';
  }

  test.each(tried)('%j is text on every page', async (payload) => {
    const email = `eve.${tried.indexOf(payload)}@example.org`;
    const signer = endorserCalled(payload, email);
    const entry = await publish(fullOf(payload, signer, `plain ${payload}`, false));
    const ended = await publish(fullOf(payload, signer, `ended ${payload}`, true));
    const { page, said } = await watchedPage();
    const encoded = encodeURIComponent(payload);
    const pages: readonly (readonly [path: string, shown: boolean])[] = [
      [entry, true],
      [ended, true],
      ['/metadata?status=all', true],
      [`/metadata?status=all&q=${encoded}&os=${encoded}&tag=${encoded}`, true],
      [`/metadata?sort=${encoded}`, false],
      ['/endorsers', true],
      [`/endorsers/${email}`, true],
      ['/log', false],
      [`/policy?identifier=${encoded}`, false],
      [`/tag/${email}/no${encoded}`, true],
      [`/${encoded}`, false],
    ];
    for (const [path, shown] of pages) {
      await page.goto(new URL(path, server.url).href);
      await touchAll(page);
      const text = (await page.locator('body').textContent()) ?? '';
      const name = payload.replaceAll(/[,+"\\<>;]/gu, (sign) => `\\${sign}`);
      const strange = await page.locator('mm-evil, img[src="x"], main script, [onmouseover], [onerror]').count();
      const live = await page.locator('a[href^="javascript"], a[href^="data"]').count();
      expect({ path, strange, live, said, shown: !shown || text.includes(payload) || text.includes(name) }).toEqual({
        path,
        strange: 0,
        live: 0,
        said: [],
        shown: true,
      });
    }
    await page.close();
  });

  test('a search that is typed is shown in its field and its chip, and finds what has it', async () => {
    const { page, said } = await watchedPage();
    for (const payload of tried) {
      await page.goto(new URL('/metadata?status=all', server.url).href);
      await page.locator('input[name=q]').focus();
      await page.keyboard.insertText(payload);
      await page.locator('.chips', { hasText: payload }).waitFor();
      await touchAll(page);
      expect(await page.locator('input[name=q]').inputValue()).toBe(payload);
      expect(await page.locator('.card').count()).toBeGreaterThan(0);
      expect(said).toEqual([]);
    }
    await page.close();
  });

  test('the verdict on a document before it is sent, and the page after it was, show text', async () => {
    const { page, said } = await watchedPage();
    for (const payload of tried) {
      const signer = endorserCalled(payload, 'eve@example.org');
      const tampered = tamperedWith(payload, signer);
      for (const name of ['slreq:email', 'dcterms:type', 'slterms:location', 'Algorithm']) {
        const document = tampered.find(({ place }) => place.name === name)?.document ?? '';
        await page.goto(new URL('/upload', server.url).href);
        const buffer = Buffer.from(document);
        await page.locator('input[type=file]').setInputFiles({ name: `${payload}.xml`, mimeType: 'text/xml', buffer });
        await page.locator('[data-verdict] h2', { hasText: 'would be refused' }).waitFor();
        await touchAll(page);
        await page.locator('form button[type=submit]').first().click();
        await page.locator('.failures').first().waitFor();
        await touchAll(page);
        expect({ name, payload, said }).toEqual({ name, payload, said: [] });
      }
    }
    await page.close();
  });
});
