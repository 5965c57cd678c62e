// Every page that the server can show, by the route that shows it. A test holds the table against the routes.
import { type Page } from 'playwright-core';
import { type BusySite } from './busy-site.ts';

export interface ShownPage {
  readonly name: string;
  /** As `openapi.ts` names it. */
  readonly route: string;
  readonly path: string;
  /** Whoever signed in sees it. */
  readonly operator?: true;
  /** What is done on the page at `path` to come to this one. */
  readonly act?: (page: Page) => Promise<void>;
}

const file = (text: string) => ({ name: 'entry.xml', mimeType: 'application/xml', buffer: Buffer.from(text) });

async function press(page: Page, selector: string): Promise<void> {
  await Promise.all([page.waitForEvent('load'), page.locator(selector).first().click()]);
}

const upload =
  (text: string) =>
  async (page: Page): Promise<void> => {
    await page.locator('input[type=file]').setInputFiles(file(text));
    await press(page, 'form[data-upload] button');
  };

async function order(
  page: Page,
  action: string,
  fields: Readonly<Record<string, string>> = {},
  dry = false,
): Promise<void> {
  const form = `form:has(input[name=action][value=${action}])`;
  for (const [name, value] of Object.entries(fields)) await page.locator(`${form} [name=${name}]`).first().fill(value);
  await press(page, `${form} ${dry ? 'button[name=dryRun]' : 'button:not([name])'}`);
}

const browse = (name: string, query: string): ShownPage => ({
  name: `browse, ${name}`,
  route: '/metadata',
  path: `/metadata${query}`,
});

const operator = (name: string, route: string, path: string, act?: ShownPage['act']): ShownPage => ({
  name,
  route,
  path,
  operator: true,
  ...(act === undefined ? {} : { act }),
});

export function pageTable({ entries, jobs }: Pick<BusySite, 'entries' | 'jobs'>): readonly ShownPage[] {
  const entry = (name: keyof BusySite['entries']): ShownPage => ({
    name: `entry, ${name}`,
    route: '/metadata/{arguments}',
    path: entries[name].path,
  });
  const [identifier, email] = entries.full.path.split('/').slice(2);
  return [
    browse('all', ''),
    browse('filtered', '?os=debian&format=qcow2&q=server&os-arch=x86_64'),
    browse('nothing', '?q=nothing+of+this+kind&os=debian'),
    browse('every standing', '?status=all'),
    browse('withdrawn', '?status=withdrawn'),
    browse('admitted', '?admitted=true&sort=title'),
    ...(['full', 'long', 'plain', 'old', 'deprecated', 'coming', 'failed', 'away', 'here'] as const).map(entry),
    { name: 'image', route: '/metadata/{arguments}', path: `/metadata/${identifier}` },
    { ...entry('away'), name: 'entry, to an operator', operator: true },
    { name: 'tag', route: '/tag/{email}/{tag}', path: `/tag/${email}/flora-and-fauna` },
    { name: 'endorsers', route: '/endorsers', path: '/endorsers' },
    { name: 'endorser', route: '/endorsers/{email}', path: `/endorsers/${email}` },
    {
      name: 'endorser with a long name',
      route: '/endorsers/{email}',
      path: `/endorsers/${entries.long.path.split('/')[3]}`,
    },
    { name: 'policy', route: '/policy', path: '/policy' },
    { name: 'policy, dry run', route: '/policy', path: `/policy?identifier=${identifier}` },
    { name: 'policy, unknown image', route: '/policy', path: '/policy?identifier=LHMEHYv3CU1cGcXN1Wv8Vj6SYTR' },
    { name: 'log', route: '/log', path: '/log' },
    { name: 'upload', route: '/upload', path: '/upload' },
    {
      name: 'upload, judged',
      route: '/upload',
      path: '/upload',
      async act(page) {
        await page.locator('input[type=file]').setInputFiles(file('<a/>'));
        await page.locator('[data-verdict] h2').waitFor();
      },
    },
    { name: 'upload, refused', route: '/metadata', path: '/upload', act: upload('<a xmlns="urn:x"><b/></a>') },
    { name: 'upload, too large', route: '/metadata', path: '/upload', act: upload('x'.repeat(1_100_000)) },
    { name: 'nothing there', route: 'error', path: '/nowhere' },
    { name: 'no such entry', route: 'error', path: `/metadata/${identifier}/nobody@example.org/2026-01-01T00:00:00Z` },
    { name: 'no such endorser', route: 'error', path: '/endorsers/nobody@example.org' },
    { name: 'wrong parameter', route: 'error', path: '/metadata?status=tired&limit=many' },
    { name: 'sign in', route: '/login', path: '/login' },
    {
      name: 'sign in, wrong',
      route: '/login',
      path: '/login?next=/jobs',
      async act(page) {
        await page.locator('input[name=token]').fill('wrong');
        await press(page, 'form.sign-in button');
      },
    },
    operator('cache', '/cache', '/cache'),
    operator('cache, dry run of a pull', '/cache', '/cache', (page) =>
      order(page, 'pull', { identifier: entries.old.identifier }, true),
    ),
    operator('cache, unknown image', '/cache', '/cache', (page) => order(page, 'pull', { identifier: 'unknown' })),
    operator('cache, would go', '/cache/usage', '/cache/usage', (page) => order(page, 'free', { gibibytes: '0.001' })),
    operator('space and upkeep', '/cache/usage', '/cache/usage'),
    operator('dry run of a collection', '/cache/usage', '/cache/usage', (page) => order(page, 'collect', {}, true)),
    operator('image here', '/cache/{identifier}', `/cache/${entries.here.identifier}`),
    operator('image here, dry run', '/cache/{identifier}', `/cache/${entries.here.identifier}`, (page) =>
      order(page, 'evict', {}, true),
    ),
    operator('image pinned', '/cache/{identifier}', `/cache/${entries.pinned.identifier}`),
    operator('image pinned, not evicted', '/cache/{identifier}', `/cache/${entries.pinned.identifier}`, (page) =>
      order(page, 'evict'),
    ),
    operator('image on its way', '/cache/{identifier}', `/cache/${entries.coming.identifier}`),
    operator('image that failed', '/cache/{identifier}', `/cache/${entries.failed.identifier}`),
    operator('image not here', '/cache/{identifier}', `/cache/${entries.old.identifier}`),
    operator('jobs', '/jobs', '/jobs'),
    operator('jobs, failed', '/jobs', '/jobs?state=failed'),
    operator('jobs, none', '/jobs', '/jobs?state=cancelled&kind=scrub'),
    ...Object.entries(jobs).map(([name, id]) => operator(`job, ${name}`, '/jobs/{id}', `/jobs/${id}`)),
    operator('no such job', 'error', '/jobs/999999'),
  ];
}
