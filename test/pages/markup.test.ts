// Pages as text: whatever a document or a parameter holds, it is shown and never becomes markup, a link or a command.
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { browsePage } from '../../src/pages/browse.tsx';
import { confirmationPage, waitingPage } from '../../src/pages/confirmation.tsx';
import { endorserPage, endorsersPage } from '../../src/pages/endorsers.tsx';
import { entryPage } from '../../src/pages/entry.tsx';
import { errorPage } from '../../src/pages/error.tsx';
import { changedList, entryPath, linkable } from '../../src/pages/links.ts';
import { logPage } from '../../src/pages/log.tsx';
import { numberText, sizeText } from '../../src/pages/parts.tsx';
import { policyPage } from '../../src/pages/policy.tsx';
import { uploadPage } from '../../src/pages/upload.tsx';
import { type EntryView } from '../../src/pages/view.ts';
import { type TestRegistry } from '../registry/open-registry.ts';
import { sampleJudgement, sampleRegistry } from './sample.ts';

const site = { name: 'Mintmark' };
const noFacets = {
  'os': [],
  'os-version': [],
  'os-arch': [],
  'kind': [],
  'format': [],
  'hypervisor': [],
  'location': [],
};

let subject: TestRegistry;
let sample: EntryView;
beforeAll(async () => {
  subject = await sampleRegistry();
  const [entry] = (await subject.find({ email: 'eve@example.org' })).entries;
  if (entry === undefined) throw new Error('no entry');
  sample = entry;
});
afterAll(() => subject.close());

/** The kinds of tags of some pages, with the names of their attributes: what hostile text must not add to. */
function tagsOf(pages: readonly string[]): readonly string[] {
  const tags = [...pages.join('').matchAll(/<(?:"[^"]*"|[^">])*>/gu)].map(([tag]) => tag.replaceAll(/"[^"]*"/gu, '""'));
  return [...new Set(tags)];
}

/** Puts the text into every string of a value. */
function infect<Value>(value: Value, text: string): Value {
  if (typeof value === 'string') return text as Value;
  if (Array.isArray(value)) return value.map((item: unknown) => infect(item, text)) as Value;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, infect(item, text)])) as Value;
}

function everyPage(text: string): readonly string[] {
  const hostile: EntryView = {
    ...infect(sample, text),
    standing: 'deprecated',
    steps: [{ code: text, title: text, outcome: 'weak' }],
  };
  const person = {
    email: text,
    subject: text,
    issuer: text,
    fingerprint: text,
    firstCreated: text,
    lastCreated: text,
    entries: 1,
    images: 1,
  };
  const failures = [{ code: text, element: text, line: 3, message: text }];
  const judgement = { admitted: false, rules: [{ rule: text, verdict: 'deny' as const, reason: text }] };
  return [
    browsePage({
      site: { name: text },
      entries: [hostile],
      total: 1,
      exact: true,
      facets: { ...noFacets, os: [{ value: text, count: 1 }] },
      chosen: { os: text, q: text, sort: text, status: text, [text]: text },
      next: text,
      first: false,
    }),
    entryPage({
      site,
      entry: hostile,
      history: [hostile],
      others: [hostile],
      judgement,
      origin: 'https://example.org',
    }),
    endorsersPage({ site, endorsers: [person], total: 1, next: text, first: false }),
    endorserPage({
      site,
      endorser: person,
      tags: [{ tag: text, identifier: text, created: text }],
      entries: [hostile],
    }),
    logPage({
      site,
      verifier: text,
      checkpoint: text,
      decisions: [
        { seq: 4, decision: { at: text, decision: 'refused', sha256: text, reasons: [text] } },
        {
          seq: 3,
          decision: { at: text, decision: 'accepted', sha256: text, identifier: text, email: text, created: text },
        },
      ],
    }),
    policyPage({
      site,
      rules: [{ rule: text, sentence: text, values: [text] }],
      problem: text,
      identifier: text,
      verdicts: [{ identifier: text, email: text, created: text, ...judgement }],
    }),
    confirmationPage({
      site,
      token: text,
      email: text,
      expiresAt: text,
      report: {
        steps: [{ code: text, title: text, outcome: 'weak' }],
        failures,
        signer: hostile.signer,
        metadata: { identifier: text, title: text, deprecated: text },
      },
    }),
    waitingPage({ site, email: text, expiresAt: text }),
    uploadPage({ site, refused: { title: text, detail: text, failures, steps: [] } }),
    errorPage({ site, status: 404, code: text, title: text, detail: text, action: text, failures }),
  ];
}

describe('hostile text', () => {
  let harmless: readonly string[];
  beforeAll(() => {
    harmless = tagsOf(everyPage('harmless'));
  });

  test.each([
    '<script>alert(1)</script>',
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    '</title><script>alert(1)</script>',
    'javascript:alert(1)',
    '&lt;b&gt;',
  ])('%s is in no page as markup', (text) => {
    expect(harmless).toEqual(expect.arrayContaining([...tagsOf(everyPage(text))]));
    expect(everyPage(text).join('')).not.toMatch(/href="(javascript|data):/iu);
  });

  test('of any kind adds no tag and no attribute', () => {
    const unit = fc.constantFrom('<', '>', '"', "'", '&', '=', '/', 'a', ' ', '`', '\\', '-', '!');
    fc.assert(
      fc.property(fc.string({ unit }), (text) => {
        // An empty title and the like change what is shown; that is not what this looks for.
        expect(harmless).toEqual(expect.arrayContaining([...tagsOf(everyPage(`x${text}`))]));
      }),
      { numRuns: 50 },
    );
  });
});

test('no page has an inline script, an inline style or an event attribute', () => {
  for (const page of everyPage('text')) {
    expect(page).not.toMatch(/<script(?![^>]*\ssrc=)/iu);
    expect(page).not.toMatch(/<style|\sstyle=|\son[a-z]+=/iu);
    expect(page.startsWith('<!doctype html><html lang="en">')).toBe(true);
  }
});

test('an address between quotes in a shell stays between them', () => {
  const page = entryPage({
    site,
    entry: { ...sample, key: { ...sample.key, email: "o'$(reboot)'@example.org" } },
    history: [],
    others: [],
    origin: 'https://example.org',
  });
  const address = /'(https:[^\n]*)'/u.exec(page.replaceAll('&#39;', "'"))?.[1] ?? '';
  expect(address).toContain('o%27%24%28reboot%29%27%40example.org');
  expect(address).not.toMatch(/['()$]/u);
});

const says = (standing: EntryView['standing'], admitted: boolean): boolean =>
  browsePage({
    site,
    entries: [{ ...sample, standing, admitted }],
    total: 1,
    exact: true,
    facets: noFacets,
    chosen: {},
    first: true,
  }).includes('dmitted here</span>');

test('a list says what is admitted, but calls nothing admitted that was replaced, and nothing bad twice', () => {
  expect([says('valid', true), says('valid', false), says('deprecated', true)]).toEqual([true, true, true]);
  expect([says('replaced', true), says('replaced', false), says('withdrawn', false)]).toEqual([false, false, false]);
});

test('the entry page says what the policy says', () => {
  const judgement = sampleJudgement(sample);
  const page = entryPage({
    site,
    entry: sample,
    history: [sample],
    others: [],
    judgement,
    origin: 'https://example.org',
  });
  expect(page).toContain('Not admitted');
  expect(page).toContain('The endorser eve@example.org is on the deny list.');
});

test.each([
  ['https://example.org/a b', 'https://example.org/a%20b'],
  ['http://example.org/x', 'http://example.org/x'],
  ['ftp://example.org/x', 'ftp://example.org/x'],
  ['javascript:alert(1)', undefined],
  ['JaVaScRiPt:alert(1)', undefined],
  ['data:text/html,x', undefined],
  ['https://user:secret@example.org/', undefined],
  ['pdisk:host:3260:uuid', undefined],
  ['/etc/passwd', undefined],
])('location %s links to %s', (location, href) => {
  expect(linkable(location)).toBe(href);
});

test.each([
  [0, '0 bytes'],
  [1023, '1023 bytes'],
  [1024, '1 KiB'],
  [1536, '1.5 KiB'],
  [250 * 2 ** 20, '250 MiB'],
  [3.25 * 2 ** 40, '3.3 TiB'],
])('%d is %s', (bytes, text) => {
  expect(sizeText(bytes)).toBe(text);
});

test('numbers have their thousands parted', () => {
  expect([0, 999, 1000, 1234567].map(numberText)).toEqual(['0', '999', '1,000', '1,234,567']);
});

test('paths escape what has a meaning in them', () => {
  expect(entryPath({ identifier: 'A', email: 'a/../b?x#y@z', created: '2026-01-01T00:00:00Z' })).toBe(
    '/metadata/A/a%2F..%2Fb%3Fx%23y%40z/2026-01-01T00%3A00%3A00Z',
  );
  expect(changedList({ os: 'a&b', q: 'x' }, 'q', undefined)).toBe('/metadata?os=a%26b');
});
