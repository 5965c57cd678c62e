// Every page that a route can show, at a real server in use, in a real browser: readable, reachable, light, and within its policy.
// PAGE_SHOTS=FOLDER also takes a picture of each at several widths, in light and dark.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, type BrowserContext, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { operations } from '../../src/http/openapi.ts';
import { describeWithTools } from '../setup/tools.ts';
import { launchChromium, listenTo, openContext } from './browser.ts';
import { openBusySite, type BusySite } from './busy-site.ts';
import * as checks from './checks.ts';
import { pageTable, type ShownPage } from './page-table.ts';

const shots = process.env['PAGE_SHOTS'];
/** Begins the names of the pages to look at; without it, all. */
const only = process.env['PAGE_ONLY'] ?? '';
const shotWidths = [390, 768, 1440, 2200] as const;

/** It takes a mail: test/e2e/pages.test.ts and test/pages/chromium.test.ts look at it. */
const shownElsewhere = new Set(['/confirmations']);

/** Bytes of a page with all that it loads. */
const heaviest = 100_000;

type Check = (page: Page) => Promise<readonly string[]>;

const light: Readonly<Record<string, Check>> = {
  'text has contrast in light': checks.weakText,
  'fields have edges in light': checks.weakEdges,
  'headings, title and landmarks are in order': checks.structure,
  'fields, buttons and links have names': checks.names,
  'nothing is inline or from elsewhere': checks.foreignParts,
  'what is pressed is large enough': checks.smallTargets,
  'lines are not too long': checks.longLines,
  'no text is cut off': checks.cutText,
};

async function at(page: Page, width: number, check: Check): Promise<readonly string[]> {
  await page.setViewportSize({ width, height: 900 });
  return check(page);
}

/** Text twice as large, in a window that stays as it is (WCAG 2.2 §1.4.4). */
async function largeText(page: Page): Promise<readonly string[]> {
  await page.setViewportSize({ width: 1280, height: 900 });
  // The setting of the browser, not a style of the page.
  const client = await page.context().newCDPSession(page);
  await client.send('Emulation.setPageScaleFactor', { pageScaleFactor: 1 }).catch(() => undefined);
  await page.evaluate("document.documentElement.style.fontSize = '200%'");
  const wrong = await checks.sidewaysScroll(page);
  await page.evaluate("document.documentElement.removeAttribute('style')");
  return wrong;
}

/** All pages are looked at as by somebody who has asked for that. */
async function transitions(page: Page): Promise<readonly string[]> {
  const moving = await page.evaluate(
    "[...document.querySelectorAll('*')].filter((e) => { const s = getComputedStyle(e); return s.transitionDuration.split(', ').some((d) => parseFloat(d) > 0) || s.animationName !== 'none'; }).map((e) => e.outerHTML.slice(0, 60))",
  );
  return moving as readonly string[];
}

/** On paper: dark on white whatever the screen is like, and nothing that can only be pressed. */
async function printed(page: Page): Promise<readonly string[]> {
  await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
  const wrong = [...(await checks.weakText(page))];
  const left = await page.evaluate(
    "[...document.querySelectorAll('nav, form, button, .skip')].filter((e) => e.checkVisibility()).map((e) => 'printed: ' + e.outerHTML.slice(0, 60)).concat(getComputedStyle(document.body).backgroundColor === 'rgb(255, 255, 255)' ? [] : ['not on white'])",
  );
  await page.emulateMedia({ media: null, colorScheme: null });
  return [...wrong, ...(left as readonly string[])];
}

async function inDark(page: Page): Promise<readonly string[]> {
  await page.emulateMedia({ colorScheme: 'dark' });
  const wrong = [...(await checks.weakText(page)), ...(await checks.weakEdges(page))];
  await page.emulateMedia({ colorScheme: null });
  return wrong;
}

/** Tab leads to everything that can be used, in the order of the page, and shows where it is. */
async function byKeyboard(page: Page): Promise<readonly string[]> {
  const wanted = (await page.evaluate(
    '[...document.querySelectorAll(\'a[href], button, input:not([type=hidden]), select, summary, [tabindex="0"]\')].filter((e) => e.checkVisibility() && !e.disabled).length',
  )) as number;
  await page.evaluate('document.activeElement.blur(); getSelection().removeAllRanges(); scrollTo(0, 0)');
  const seen = new Set<number>();
  const wrong: string[] = [];
  for (let presses = 0; presses < wanted + 5; presses += 1) {
    await page.keyboard.press('Tab');
    const [index, ring, name] = (await page.evaluate(`(() => {
      const e = document.activeElement, s = getComputedStyle(e);
      return [e === document.body ? -1 : [...document.querySelectorAll('*')].indexOf(e), s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2, e.outerHTML.slice(0, 80)];
    })()`)) as [number, boolean, string];
    if (index === -1) break;
    if (seen.has(index)) break;
    if (!ring) wrong.push(`no ring: ${name}`);
    seen.add(index);
  }
  return seen.size < wanted ? [...wrong, `${seen.size} of ${wanted} reached`] : wrong;
}

/** What takes long, and is the same for all pages of a route. */
const ofEachRoute: Readonly<Record<string, Check>> = {
  'letters twice as large fit': largeText,
  'nothing moves for those who want that': transitions,
  'the keyboard reaches everything': byKeyboard,
};

const inTurn: Readonly<Record<string, Check>> = {
  'text and fields have contrast in dark': inDark,
  'a phone of 320 pixels shows it without scrolling sideways': (page) => at(page, 320, checks.sidewaysScroll),
  'a phone of 390 pixels shows it without scrolling sideways': (page) => at(page, 390, checks.sidewaysScroll),
  'zoom of 200 % shows it without scrolling sideways': (page) => at(page, 640, checks.sidewaysScroll),
  'on a wide screen lines are not too long': (page) => at(page, 2200, checks.longLines),
  'it can be printed': printed,
};

async function takeShots(page: Page, { name }: ShownPage, folder: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await page.evaluate('document.activeElement.blur(); scrollTo(0, 0)');
    for (const width of shotWidths) {
      await page.setViewportSize({ width, height: 900 });
      const path = join(folder, `${name.replaceAll(/[^a-z]+/gu, '-')}.${width}.${colorScheme}.png`);
      await page.screenshot({ path, fullPage: true });
    }
  }
}

describeWithTools('every page', ['chromium'], () => {
  let site: BusySite;
  let browser: Browser;
  let table: readonly ShownPage[];
  const contexts: BrowserContext[] = [];
  /** By check, then page: what is wrong. */
  const found = new Map<string, Record<string, readonly string[]>>();
  const weights: Record<string, number> = {};

  function note(check: string, name: string, wrong: readonly string[]): void {
    const pages = found.get(check) ?? {};
    if (wrong.length > 0) pages[name] = wrong.slice(0, 8);
    found.set(check, pages);
  }

  async function visit(context: BrowserContext, shown: ShownPage): Promise<void> {
    const page = await context.newPage();
    const said = listenTo(page);
    let weight = 0;
    const sizes: Promise<void>[] = [];
    page.on('response', (response) => {
      if (response.request().resourceType() === 'eventsource') return;
      const size = response.body().then(
        (body) => void (weight += body.length),
        () => undefined,
      );
      sizes.push(size);
    });
    await page.goto(shown.path);
    await Promise.all(sizes);
    if (shown.act !== undefined) await shown.act(page);
    weights[shown.name] = weight;
    note('it weighs less than 100 kB', shown.name, weight < heaviest ? [] : [`${weight} bytes`]);
    const isFirst = table.find(({ route }) => route === shown.route) === shown;
    for (const [name, check] of Object.entries({ ...light, ...inTurn, ...(isFirst ? ofEachRoute : {}) })) {
      await page.setViewportSize({ width: 1280, height: 900 });
      note(name, shown.name, await check(page));
    }
    note('the browser has nothing to complain of', shown.name, said);
    if (shots !== undefined) await takeShots(page, shown, shots);
    await page.close();
  }

  beforeAll(async () => {
    if (shots !== undefined) mkdirSync(shots, { recursive: true });
    site = await openBusySite(Number(process.env['PAGE_DOCUMENTS'] ?? 40));
    browser = await launchChromium();
    table = pageTable(site);
    for (const signedIn of [false, true]) {
      const context = await openContext(browser, site, signedIn, { reducedMotion: 'reduce' });
      contexts.push(context);
      for (const shown of table)
        if ((shown.operator ?? false) === signedIn && shown.name.startsWith(only)) await visit(context, shown);
    }
  }, 600_000);
  afterAll(async () => {
    await browser?.close();
    await site?.close();
  });

  test.each([
    'it weighs less than 100 kB',
    'the browser has nothing to complain of',
    ...Object.keys(light),
    ...Object.keys(inTurn),
    ...Object.keys(ofEachRoute),
  ])('%s', (check) => {
    expect(found.get(check)).toEqual({});
  });

  test('there is no page that the table leaves out', async () => {
    const examples: Readonly<Record<string, string>> = {
      arguments: site.entries.here.path.slice('/metadata/'.length),
      email: 'jane.tester@example.org',
      tag: 'flora-and-fauna',
      identifier: site.entries.here.identifier,
      id: String(site.jobs.done),
    };
    const left: string[] = [];
    for (const [route, methods] of Object.entries(operations)) {
      if (methods.get === undefined || route === '/events') continue;
      const path = route.replaceAll(/\{(\w+)\}/gu, (_, name: string) => examples[name] ?? name);
      const { status, headers } = await site.operator.show(path);
      const isPage = status === 200 && headers.get('content-type')?.startsWith('text/html') === true;
      const isDescribed = methods.get.types?.includes('text/html') ?? false;
      if (isPage && !isDescribed) left.push(`${route} is not described as a page`);
      const isInTable = table.some((shown) => shown.route === route) || shownElsewhere.has(route);
      if ((isPage || isDescribed) && !isInTable) left.push(route);
    }
    expect(left).toEqual([]);
  });

  test('without scripts each page is the same', async () => {
    for (const signedIn of [false, true]) {
      const [plain, scripted] = [
        await openContext(browser, site, signedIn, { javaScriptEnabled: false }),
        contexts[signedIn ? 1 : 0],
      ];
      const [bare, full] = [await plain.newPage(), await scripted?.newPage()];
      const routes = new Set<string>();
      for (const { route, path, operator = false, act } of table) {
        if (operator !== signedIn || act !== undefined || routes.has(route)) continue;
        routes.add(route);
        const seen = [];
        for (const page of [bare, full]) {
          await page?.goto(path);
          seen.push([path, await page?.locator('h1, h2').allTextContents(), await page?.locator('form').count()]);
        }
        expect(seen[0]).toEqual(seen[1]);
      }
      await plain.close();
      await full?.close();
    }
  }, 120_000);
});
