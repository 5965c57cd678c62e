// Pages in a real browser: nothing blocked by the content security policy, nothing runs that was not meant to, enough
// contrast in light and dark, no sideways scrolling on a small phone, and everything within reach of the keyboard.
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { entryPath } from '../../src/pages/links.ts';
import { describeWithTools } from '../setup/tools.ts';
import { type TestRegistry } from '../registry/open-registry.ts';
import { plainDocument } from '../registry/plain-documents.ts';
import { sampleRegistry } from './sample.ts';
import { openSite, type SampleSite } from './site.ts';

function file(text: string) {
  return { name: 'entry.xml', mimeType: 'application/xml', buffer: Buffer.from(text) };
}

describeWithTools('pages in Chromium', ['chromium'], () => {
  let subject: TestRegistry;
  let site: SampleSite;
  let browser: Browser;
  let paths: readonly string[];

  beforeAll(async () => {
    subject = await sampleRegistry();
    site = await openSite(subject);
    browser = await chromium.launch({
      executablePath: '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
    });
    const [deprecated] = (await subject.find({ status: 'deprecated', q: 'flora' })).entries;
    const [hostile] = (await subject.find({ email: 'eve@example.org' })).entries;
    const [withdrawn] = (await subject.find({ status: 'withdrawn' })).entries;
    if (deprecated === undefined || hostile === undefined || withdrawn === undefined) throw new Error('no entries');
    paths = [
      '/metadata',
      '/metadata?os=centos&q=base',
      '/metadata?q=nothing',
      entryPath(deprecated.key),
      entryPath(hostile.key),
      '/endorsers',
      '/endorsers/jane%40example.org',
      entryPath(withdrawn.key),
      '/log',
      '/policy',
      '/confirmations',
      '/waiting',
      '/declined',
      '/upload',
      '/refused',
      '/nowhere',
    ];
  });
  afterAll(async () => {
    await browser.close();
    await site.close();
    await subject.close();
  });

  async function open(
    path: string,
    options: Parameters<Browser['newPage']>[0] = {},
  ): Promise<{ page: Page; said: string[] }> {
    const page = await browser.newPage(options);
    const said: string[] = [];
    page.on('console', (message) => said.push(message.text()));
    page.on('pageerror', (error) => said.push(String(error)));
    page.on('dialog', (dialog) => {
      said.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    await page.goto(site.origin + path);
    return { page, said };
  }

  test('no page breaks its content security policy or runs what a document says', async () => {
    const { page, said } = await open('/metadata');
    for (const path of paths) {
      await page.goto(site.origin + path);
      expect({ path, headings: await page.locator('h1').count(), said }).toEqual({ path, headings: 1, said: [] });
    }
    await page.close();
  });

  test.each(['light', 'dark'] as const)('every text has enough contrast in %s', async (colorScheme) => {
    const { page } = await open('/metadata', { colorScheme });
    for (const path of paths) {
      await page.goto(site.origin + path);
      // Runs in the browser. WCAG 2.2 §1.4.3: 4.5 to 1.
      const weak = await page.evaluate(`(() => {
        const rgba = (text) => { const n = text.match(/[\\d.]+/g).map(Number); return [n[0], n[1], n[2], n[3] ?? 1]; };
        const light = ([r, g, b]) => { const f = (c) => { c /= 255; return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; }; return 0.2126 * f(r) + 0.7152 * f(g) + 0.0722 * f(b); };
        const ground = (element) => { for (let at = element; at; at = at.parentElement) { const c = rgba(getComputedStyle(at).backgroundColor); if (c[3] > 0) return c; } return [255, 255, 255, 1]; };
        const found = [];
        for (const element of document.body.querySelectorAll('*')) {
          const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== '');
          if (!own || element.closest('svg, .unseen, .skip')) continue;
          const a = light(rgba(getComputedStyle(element).color)), b = light(ground(element));
          const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
          if (ratio < 4.5) found.push(element.className + ' ' + element.tagName + ' ' + ratio.toFixed(2) + ' ' + element.textContent.slice(0, 30));
        }
        return found;
      })()`);
      expect({ path, weak }).toEqual({ path, weak: [] });
    }
    await page.close();
  });

  test('a phone of 320 pixels shows every page without scrolling sideways', async () => {
    const { page } = await open('/metadata', { viewport: { width: 320, height: 640 } });
    for (const path of paths) {
      await page.goto(site.origin + path);
      const width = await page.evaluate('document.documentElement.scrollWidth');
      expect({ path, width }).toEqual({ path, width: 320 });
    }
    await page.close();
  });

  test('without scripts: search, filter, next page, entry, by keyboard alone', async () => {
    const { page } = await open('/metadata', { javaScriptEnabled: false });
    await page.keyboard.press('Tab');
    expect(await page.locator(':focus').textContent()).toBe('Skip to the content');
    await page.locator('input[name=q]').focus();
    await page.keyboard.type('example ttylinux');
    await page.keyboard.press('Enter');
    await page.waitForURL(/q=example\+ttylinux/u);
    expect(await page.locator('#found').textContent()).toBe('7 entries');
    await page.locator('.card h3 a').first().focus();
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/metadata\/[^/]+\/[^/]+\/[^/]+$/u);
    expect(await page.locator('h1').textContent()).toBe('ttylinux base image');
    await page.goto(`${site.origin}/metadata`);
    await page.locator('.facet a', { hasText: 'debian' }).focus();
    await page.keyboard.press('Enter');
    await page.waitForURL(/os=debian/u);
    expect(await page.locator('.facet a[aria-current]').textContent()).toContain('debian');
    await page.goto(`${site.origin}/metadata`);
    await page.locator('.pages a.next').focus();
    await page.keyboard.press('Enter');
    await page.waitForURL(/cursor=/u);
    expect(await page.locator('.card').count()).toBe(10);
    await page.close();
  });

  test('a title with markup is shown as text', async () => {
    const { page } = await open(paths[4] ?? '');
    expect(await page.locator('h1').textContent()).toBe('<script>alert("title")</script><img src=x onerror=alert(1)>');
    expect(await page.locator('main a[href^="javascript"], main a[href^="data"], main img, main script').count()).toBe(
      0,
    );
    await page.close();
  });

  test('search as you type: the list follows, the field keeps the focus, the address can be shared', async () => {
    const { page, said } = await open('/metadata?os=ttylinux');
    await page.locator('input[name=q]').focus();
    await page.keyboard.type('compil');
    await page.locator('.card', { hasText: 'base image' }).first().waitFor({ state: 'detached' });
    expect(await page.locator('.card h3').allTextContents()).toEqual(['ttylinux with compilers and tools']);
    expect(await page.locator('#found').textContent()).toBe('1 entry');
    expect(await page.locator('.chips').textContent()).toContain('compil');
    expect(await page.evaluate('document.activeElement.name')).toBe('q');
    expect(page.url()).toBe(`${site.origin}/metadata?q=compil&sort=-created&os=ttylinux`);
    await page.keyboard.press('Escape');
    await page.locator('input[name=q]').fill('');
    await page.locator('#found', { hasText: '7 entries' }).waitFor();
    expect(said).toEqual([]);
    await page.close();
  });

  test('a document that is chosen or dropped is judged before it is sent', async () => {
    const { page, said } = await open('/upload');
    await page.locator('input[type=file]').setInputFiles(file('<b>not signed</b>'));
    await page.locator('[data-verdict] h2', { hasText: 'would be refused' }).waitFor();
    expect(await page.locator('[data-verdict] .failures li').count()).toBe(2);
    await page.locator('input[type=file]').setInputFiles(file(plainDocument({ image: 'new' }).toString()));
    await page.locator('[data-verdict] h2', { hasText: 'can be published' }).waitFor();
    expect(await page.locator('[data-verdict] .steps').textContent()).toContain('covers the whole document');
    // As a person would drop it: the browser's own events with a real file in them.
    await page.evaluate(`(() => {
      const data = new DataTransfer();
      data.items.add(new File(['<img src=x onerror=alert(1)>'], 'dropped.xml', { type: 'text/xml' }));
      document.querySelector('.drop').dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }));
    })()`);
    await page.locator('[data-verdict] h2', { hasText: 'would be refused' }).waitFor();
    expect(await page.evaluate("document.querySelector('input[type=file]').files[0].name")).toBe('dropped.xml');
    expect(said).toEqual([]);
    await page.close();
  });
});
