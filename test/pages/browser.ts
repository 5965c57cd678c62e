// Chromium for tests of pages, with the scripts of the pages that were built last.
import { fileURLToPath } from 'node:url';
import { chromium, type Browser, type BrowserContext, type BrowserContextOptions, type Page } from 'playwright-core';
import { type BusySite } from './busy-site.ts';

export const launchChromium = (): Promise<Browser> =>
  chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
  });

/** @param signedIn whether the operator of the site is signed in. */
export async function openContext(
  browser: Browser,
  { server, operator }: Pick<BusySite, 'server' | 'operator'>,
  signedIn: boolean,
  options: BrowserContextOptions = {},
): Promise<BrowserContext> {
  const context = await browser.newContext({ baseURL: server.url, ...options });
  // The server in this process runs from the sources; scripts for browsers are only in what was built.
  await context.route('**/static/*.js', async (route) => {
    const name = new URL(route.request().url()).pathname.slice('/static/'.length);
    const path = fileURLToPath(new URL(`../../dist/src/pages/static/${name}`, import.meta.url));
    await route.fulfill({ path, contentType: 'text/javascript' });
  });
  const [name = '', value = ''] = operator.cookie.split('=');
  if (signedIn) await context.addCookies([{ name, value, url: server.url, httpOnly: true, sameSite: 'Strict' }]);
  return context;
}

/** What the browser says of the page, such as what its content security policy forbade; that the page itself is a refusal is left out. */
export function listenTo(page: Page): readonly string[] {
  const said: string[] = [];
  page.on('console', (message) => {
    const { url } = message.location();
    const isPart = url.includes('/static/') || url.includes('/events');
    if (isPart || !/^Failed to load resource: .* status of 4\d\d/u.test(message.text())) said.push(message.text());
  });
  page.on('pageerror', (error) => said.push(String(error)));
  page.on('dialog', (dialog) => {
    said.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  return said;
}
