// What every page is asked, in the browser that shows it. Each returns what is wrong, in words; nothing is wrong where it returns nothing.
import { type Page } from 'playwright-core';

/** Runs in the browser: the functions that several checks use. */
const tools = `
const rgba = (text) => { const n = text.match(/[\\d.]+/g).map(Number); const k = text.startsWith('color(') ? 255 : 1; return [n[0] * k, n[1] * k, n[2] * k, n[3] ?? 1]; };
const light = ([r, g, b]) => { const f = (c) => { c /= 255; return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; }; return 0.2126 * f(r) + 0.7152 * f(g) + 0.0722 * f(b); };
const ground = (element) => { for (let at = element; at; at = at.parentElement) { const c = rgba(getComputedStyle(at).backgroundColor); if (c[3] > 0) return c; } return [255, 255, 255, 1]; };
const ratio = (one, other) => { const a = light(one), b = light(other); return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05); };
const named = (e) => e.localName + (e.className && typeof e.className === 'string' ? '.' + e.className.trim().replaceAll(/\\s+/g, '.') : '') + ' "' + (e.textContent || e.name || '').trim().slice(0, 40) + '"';
const shown = (e) => e.checkVisibility() && !e.closest('.unseen, .skip');
`;

const inPage = (page: Page, body: string): Promise<readonly string[]> =>
  page.evaluate(`(() => { ${tools} const wrong = []; ${body}; return wrong; })()`);

/** WCAG 2.2 §1.4.3: 4.5 to 1 for each text, placeholders and typed text included. */
export const weakText = (page: Page): Promise<readonly string[]> =>
  inPage(
    page,
    `for (const e of document.body.querySelectorAll('*')) {
      const own = [...e.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== '') || e.matches('input:not([type=hidden], [type=checkbox]), select');
      if (!own || e.closest('svg') || !shown(e)) continue;
      const r = ratio(rgba(getComputedStyle(e).color), ground(e));
      if (r < 4.5) wrong.push(named(e) + ' ' + r.toFixed(2));
      if (e.matches('[placeholder]')) { const p = ratio(rgba(getComputedStyle(e, '::placeholder').color), ground(e)); if (p < 4.5) wrong.push('placeholder of ' + named(e) + ' ' + p.toFixed(2)); }
    }`,
  );

/** WCAG 2.2 §1.4.11: 3 to 1 between the edge of a field and what is around it. */
export const weakEdges = (page: Page): Promise<readonly string[]> =>
  inPage(
    page,
    `for (const e of document.querySelectorAll('input:not([type=hidden], [type=checkbox], [type=file]), select')) {
      if (!shown(e)) continue;
      const r = ratio(rgba(getComputedStyle(e).borderTopColor), ground(e.parentElement));
      if (r < 3) wrong.push(named(e) + ' ' + r.toFixed(2));
    }`,
  );

/** WCAG 2.2 §1.4.10: nothing is wider than the window, but what scrolls by itself. */
export const sidewaysScroll = (page: Page): Promise<readonly string[]> =>
  inPage(
    page,
    `const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth > width) {
      wrong.push('the page is ' + document.documentElement.scrollWidth + ' wide in ' + width);
      for (const e of document.body.querySelectorAll('*')) {
        const scrolls = e.parentElement.closest('pre, .scrolls');
        const { left, right } = e.getBoundingClientRect();
        // What sticks out of an inner part makes all parts around it wider too: the first ones named are the cause.
        if (e.checkVisibility() && scrolls === null && (right > width + 1 || left + e.scrollWidth > width + 1)) wrong.unshift(named(e));
      }
    }`,
  );

/** One h1, no level left out, a title of its own, one main part, a language. */
export const structure = (page: Page): Promise<readonly string[]> =>
  inPage(
    page,
    `const levels = [...document.querySelectorAll('h1, h2, h3, h4')].filter((e) => e.checkVisibility()).map((e) => Number(e.localName[1]));
    if (levels.filter((level) => level === 1).length !== 1) wrong.push('headings of the first level: ' + levels.filter((level) => level === 1).length);
    levels.forEach((level, at) => { if (level > (levels[at - 1] ?? 0) + 1) wrong.push('h' + level + ' after h' + (levels[at - 1] ?? 0)); });
    if (document.documentElement.lang !== 'en') wrong.push('no language');
    if (document.querySelectorAll('main').length !== 1) wrong.push('main parts: ' + document.querySelectorAll('main').length);
    if (!/^\\S.* · Mintmark$/.test(document.title)) wrong.push('title ' + document.title);
    const ids = [...document.querySelectorAll('[id]')].map((e) => e.id);
    for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) wrong.push('id twice: ' + id);
    for (const e of document.querySelectorAll('[aria-labelledby], [aria-describedby]'))
      for (const id of ((e.getAttribute('aria-labelledby') ?? '') + ' ' + (e.getAttribute('aria-describedby') ?? '')).trim().split(/\\s+/))
        if (document.getElementById(id) === null) wrong.push('nothing has the id ' + id);`,
  );

/** Every field has a label, every button and link a name, every list only items. */
export const names = (page: Page): Promise<readonly string[]> =>
  inPage(
    page,
    `for (const e of document.querySelectorAll('input:not([type=hidden], [hidden]), select, textarea'))
      if (![...(e.labels ?? [])].some((label) => label.textContent.trim() !== '') && !e.ariaLabel) wrong.push('no label: ' + named(e));
    for (const e of document.querySelectorAll('a, button, summary'))
      if (e.textContent.trim() === '' && !e.ariaLabel) wrong.push('no name: ' + e.outerHTML.slice(0, 80));
    for (const e of document.querySelectorAll('progress, [role=img], nav, aside'))
      if (!e.ariaLabel && !e.hasAttribute('aria-labelledby')) wrong.push('no name: ' + e.outerHTML.slice(0, 80));
    for (const e of document.querySelectorAll('ul > :not(li), ol > :not(li)')) wrong.push('no item: ' + named(e));`,
  );

/** Nothing that the content security policy would refuse, and nothing from elsewhere. */
export const foreignParts = (page: Page): Promise<readonly string[]> =>
  inPage(
    page,
    `for (const e of document.querySelectorAll('[style], style, script:not([src]), iframe, object, embed')) wrong.push('inline: ' + e.outerHTML.slice(0, 80));
    for (const e of document.querySelectorAll('*')) for (const { name } of e.attributes) if (name.startsWith('on')) wrong.push('handler: ' + e.outerHTML.slice(0, 80));
    for (const { name } of performance.getEntriesByType('resource')) if (new URL(name).origin !== location.origin) wrong.push('from elsewhere: ' + name);`,
  );

/** WCAG 2.2 §2.5.8: what is pressed is 24 pixels high and wide, unless it is part of a line of text. */
export const smallTargets = (page: Page): Promise<readonly string[]> =>
  inPage(
    page,
    `for (const e of document.querySelectorAll('button, input:not([type=hidden], [type=checkbox]), select, nav a, .chips a, .facet a, .button, summary')) {
      if (!shown(e)) continue;
      const { width, height } = e.getBoundingClientRect();
      if (width < 24 || height < 24) wrong.push(named(e) + ' ' + Math.round(width) + ' × ' + Math.round(height));
    }`,
  );

/** Lines of running text that are longer than 90 letters are hard to read. */
export const longLines = (page: Page): Promise<readonly string[]> =>
  inPage(
    page,
    `const ruler = document.createElement('canvas').getContext('2d');
    for (const e of document.querySelectorAll('main p, main li, main dd')) {
      if (!shown(e) || e.closest('pre, .facts, .by, .trail, .badges, .pages') || e.textContent.trim().length < 100 || e.querySelector('p, li, dd, code, a, form')) continue;
      const style = getComputedStyle(e);
      ruler.font = style.font;
      const text = e.textContent.trim();
      const letters = e.getBoundingClientRect().width / (ruler.measureText(text).width / text.length);
      if (letters > 100 && ruler.measureText(text).width > e.getBoundingClientRect().width) wrong.push(named(e) + ' ' + Math.round(letters));
    }`,
  );

/** Text that is cut off at the edge of its box. */
export const cutText = (page: Page): Promise<readonly string[]> =>
  inPage(
    page,
    `for (const e of document.querySelectorAll('main *, header *')) {
      if (!shown(e) || e.closest('pre, svg, .card .about') || e.matches('input, select, progress, .scrolls, .facet ul, .badge.plain')) continue;
      const style = getComputedStyle(e);
      if (style.overflowX !== 'visible' && style.display !== 'inline' && e.scrollWidth > e.clientWidth + 1) wrong.push(named(e));
    }`,
  );
