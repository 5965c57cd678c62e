// Who vouches for images here: the list of endorsers, and one of them with certificate, tags and entries.
import { Cards } from './card.tsx';
import { Layout, pageText } from './layout.tsx';
import { endorserPath, entryPath, listPath } from './links.ts';
import { Email, numberText, When } from './parts.tsx';
import { Fingerprint } from './signature.tsx';
import { type EndorserView, type EntryView, type SiteView } from './view.ts';

export interface EndorsersProps {
  readonly site: SiteView;
  readonly endorsers: readonly EndorserView[];
  readonly total: number;
  /** `after` of the next page. */
  readonly next?: string;
  readonly first: boolean;
}

export interface EndorserProps {
  readonly site: SiteView;
  readonly endorser: EndorserView;
  readonly tags: readonly { readonly tag: string; readonly identifier: string; readonly created: string }[];
  /** The newest of the endorser's entries. */
  readonly entries: readonly EntryView[];
}

function counted(number: number, one: string, many: string): string {
  return `${numberText(number)} ${number === 1 ? one : many}`;
}

export function endorsersPage({ site, endorsers, total, next, first }: EndorsersProps): string {
  return pageText(
    <Layout site={site} title="Endorsers" section="endorsers">
      <div class="top">
        <h1>Endorsers</h1>
        <p class="about">
          {counted(total, 'person or group vouches', 'people and groups vouch')} for images here, each with a
          certificate of their own.
        </p>
      </div>
      {endorsers.length === 0 ? (
        <div class="empty">
          <p>Nobody has endorsed an image here yet.</p>
        </div>
      ) : (
        <ul class="cards people">
          {endorsers.map((endorser) => (
            <li key={endorser.email}>
              <article class="card">
                <h2>
                  <a href={endorserPath(endorser.email)}>
                    <Email address={endorser.email} />
                  </a>
                </h2>
                <p class="about">{endorser.subject}</p>
                <ul class="facts">
                  <li>{counted(endorser.images, 'image', 'images')}</li>
                  <li>{counted(endorser.entries, 'entry', 'entries')}</li>
                </ul>
                <p class="by">
                  since <When time={endorser.firstCreated} />, last on <When time={endorser.lastCreated} />
                </p>
              </article>
            </li>
          ))}
        </ul>
      )}
      <nav class="pages" aria-label="Pages">
        {first ? undefined : <a href="/endorsers">First page</a>}
        {next === undefined ? undefined : (
          <a class="next" rel="next" href={`/endorsers?after=${encodeURIComponent(next)}`}>
            Next page
          </a>
        )}
      </nav>
    </Layout>,
  );
}

export function endorserPage({ site, endorser, tags, entries }: EndorserProps): string {
  const { email } = endorser;
  return pageText(
    <Layout site={site} title={email} section="endorsers">
      <div class="top">
        <p class="trail">
          <a href="/endorsers">Endorsers</a>
        </p>
        <h1>
          <Email address={email} />
        </h1>
        <p class="by">
          {counted(endorser.images, 'image', 'images')}, {counted(endorser.entries, 'entry', 'entries')}; since{' '}
          <When time={endorser.firstCreated} />, last on <When time={endorser.lastCreated} />
        </p>
      </div>
      <div class="panels beside">
        <div>
          <section class="panel" aria-labelledby="certificate">
            <h2 id="certificate">Certificate of the last entry</h2>
            <dl class="pairs">
              <dt>Subject</dt>
              <dd>{endorser.subject}</dd>
              <dt>Issuer</dt>
              <dd>{endorser.issuer}</dd>
              <dt>SHA-256 fingerprint</dt>
              <dd>
                <Fingerprint hex={endorser.fingerprint} />
              </dd>
            </dl>
          </section>
          {tags.length === 0 ? undefined : (
            <section class="panel" aria-labelledby="tags">
              <h2 id="tags">Tags</h2>
              <ul class="rows">
                {tags.map(({ tag, identifier, created }) => (
                  <li key={tag}>
                    <a href={entryPath({ identifier, email, created })}>{tag}</a>
                    <When time={created} />
                  </li>
                ))}
              </ul>
            </section>
          )}
        </div>
        <section class="main" aria-labelledby="entries">
          <h2 id="entries">Newest entries</h2>
          {entries.length === 0 ? <p>This endorser has no entries.</p> : <Cards entries={entries} of={email} />}
          <p>
            <a href={listPath({ email, status: 'all' })}>All entries, with history</a>
          </p>
        </section>
      </div>
    </Layout>,
  );
}
