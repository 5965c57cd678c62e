// The frame of every page: head, heading with navigation, main part, foot. No inline script or style, ever.
import { type ComponentChildren, type VNode } from 'preact';
import { renderToString } from 'preact-render-to-string';
import { type SiteView } from './view.ts';

export type Section = 'images' | 'endorsers' | 'upload' | 'policy' | 'log' | 'cache' | 'none';

export interface LayoutProps {
  readonly site: SiteView;
  readonly title: string;
  readonly section: Section;
  /** Names of scripts in /static that make the page quicker to use; it works without them. */
  readonly scripts?: readonly string[];
  readonly children: ComponentChildren;
}

function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" width="28" height="28" aria-hidden="true" focusable="false">
      <circle cx="16" cy="16" r="15" class="mark-coin" />
      <path class="mark-leaf" d="M16 26C8 21 7 13 16 6c9 7 8 15 0 20Z" />
      <path class="mark-vein" d="M16 26V12m0 5-3.5-3M16 21l4-3.5" />
    </svg>
  );
}

function NavLink(props: { readonly href: string; readonly current: boolean; readonly children: string }) {
  return (
    <a href={props.href} {...(props.current ? { 'aria-current': 'page' as const } : {})}>
      {props.children}
    </a>
  );
}

export function Layout({ site, title, section, scripts = [], children }: LayoutProps) {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>{`${title} · ${site.name}`}</title>
        <link rel="stylesheet" href="/static/style.css" />
        <link rel="icon" href="/static/icon.svg" type="image/svg+xml" />
        {scripts.map((name) => (
          <script key={name} type="module" src={`/static/${name}`} />
        ))}
      </head>
      <body>
        <a class="skip" href="#main">
          Skip to the content
        </a>
        <header class="site">
          <div class="bar">
            <a class="brand" href="/metadata">
              <Mark />
              <span>{site.name}</span>
            </a>
            <nav aria-label="Site">
              <NavLink href="/metadata" current={section === 'images'}>
                Images
              </NavLink>
              <NavLink href="/endorsers" current={section === 'endorsers'}>
                Endorsers
              </NavLink>
              <NavLink href="/policy" current={section === 'policy'}>
                Policy
              </NavLink>
              {site.hasLog === true ? (
                <NavLink href="/log" current={section === 'log'}>
                  Log
                </NavLink>
              ) : undefined}
              <NavLink href="/upload" current={section === 'upload'}>
                Upload
              </NavLink>
              <NavLink href="/cache" current={section === 'cache'}>
                Cache
              </NavLink>
            </nav>
          </div>
        </header>
        <main id="main" tabIndex={-1}>
          {children}
        </main>
        <footer class="site">
          <p>
            Every entry here carries its creator’s signature. Check it yourself: <code>mintmark metadata validate</code>
            .
          </p>
          <p>
            <a href="/openapi.json">API</a> <a href="/healthz">Health</a>
          </p>
        </footer>
      </body>
    </html>
  );
}

/** The text of a whole page; all values in it are escaped. */
export function pageText(page: VNode): string {
  return `<!doctype html>${renderToString(page)}`;
}
