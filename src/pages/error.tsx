// What went wrong, why, and what to do: the page form of a problem document.
import { Layout, pageText } from './layout.tsx';
import { Failures } from './upload.tsx';
import { type FailureView, type SiteView } from './view.ts';

export interface ErrorProps {
  readonly site: SiteView;
  /** HTTP status. */
  readonly status: number;
  /** Stable code of the problem. */
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  /** What the reader can do. */
  readonly action: string;
  readonly failures?: readonly FailureView[];
}

export function errorPage({ site, status, code, title, detail, action, failures = [] }: ErrorProps): string {
  return pageText(
    <Layout site={site} title={title} section="none">
      <div class="top narrow">
        <p class="trail">
          {status} <code>{code}</code>
        </p>
        <h1>{title}</h1>
        <p class="about">{detail}</p>
        {failures.length === 0 ? undefined : <Failures failures={failures} />}
        <p>{action}</p>
        <p>{status === 401 ? <a href="/login">Sign in</a> : <a href="/metadata">To the list of images</a>}</p>
      </div>
    </Layout>,
  );
}
