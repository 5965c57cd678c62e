// The front page in Chromium with an empty cache: what it loads, and when it is first painted.
import { gzipSync } from 'node:zlib';
import { chromium } from 'playwright-core';

export interface Seen {
  /** Files that the first view needs, the page among them. */
  readonly files: number;
  /** Their bodies, in bytes, as they are sent; and each compressed by gzip. */
  readonly bytes: number;
  readonly compressed: number;
  /** Milliseconds from the start of the navigation to the first contentful paint: of several visits, the middle one. */
  readonly firstPaint: number;
}

const visits = 7;

const sum = (sizes: readonly number[]): number => sizes.reduce((all, size) => all + size, 0);

/** Visits a page several times, each time with a new profile. */
export async function see(url: string): Promise<Seen> {
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu'],
  });
  try {
    const paints: number[] = [];
    let bodies: readonly Buffer[] = [];
    for (let visit = 0; visit < visits; visit += 1) {
      const context = await browser.newContext();
      const page = await context.newPage();
      const loading: Promise<Buffer>[] = [];
      page.on('response', (response) => loading.push(response.body()));
      await page.goto(url, { waitUntil: 'networkidle' });
      bodies = await Promise.all(loading);
      const paint = await page.evaluate(
        () => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? Number.NaN,
      );
      paints.push(paint);
      await context.close();
    }
    return {
      files: bodies.length,
      bytes: sum(bodies.map((body) => body.length)),
      compressed: sum(bodies.map((body) => gzipSync(body).length)),
      firstPaint: paints.sort((a, b) => a - b)[paints.length >> 1] ?? Number.NaN,
    };
  } finally {
    await browser.close();
  }
}
