// One image in the cache: what was proven of it, from where it came; pin it, evict it, fetch it.
import { Cached } from './cached.tsx';
import { Layout, pageText } from './layout.tsx';
import { entryPath, imagePath } from './links.ts';
import { CacheForm, DryRunButton, Notice, OperatorTabs } from './operate.tsx';
import { Badge, Email, Moment, numberText, sizeText } from './parts.tsx';
import { type CacheView, type KeyView, type NoticeView, type OperatorView, type SiteView } from './view.ts';

export interface CachedImageView {
  /** Of the disk, in bytes. */
  readonly size: number;
  readonly sourceFormat: string;
  readonly diskSha256: string;
  readonly verdict: {
    readonly entry: KeyView;
    readonly bytes: number;
    readonly checksums: Readonly<Record<string, string>>;
    readonly location: string;
    readonly finalLocation: string;
    readonly verified: string;
  };
}

export interface CachedImageProps {
  readonly site: SiteView;
  readonly operator: OperatorView;
  readonly identifier: string;
  readonly title?: string;
  readonly image?: CachedImageView;
  readonly pinned: boolean;
  readonly cache: CacheView;
  readonly notice?: NoticeView;
}

/** SHA-1 before SHA-256 before SHA-512, in whatever order they were ready. */
const byName = ([one]: readonly [string, string], [other]: readonly [string, string]): number =>
  one.localeCompare(other, 'en', { numeric: true });

function Proven({ image }: { image: CachedImageView }) {
  const { size, sourceFormat, diskSha256, verdict } = image;
  const { entry, bytes, checksums, location, finalLocation, verified } = verdict;
  return (
    <section class="panel" aria-labelledby="proven">
      <h2 id="proven">What was proven</h2>
      <dl class="pairs sums">
        <div>
          <dt>Proven</dt>
          <dd>
            <Moment time={verified} />
          </dd>
        </div>
        <div>
          <dt>Signed by</dt>
          <dd>
            <a href={entryPath(entry)}>
              <Email address={entry.email} />
            </a>
          </dd>
        </div>
        <div>
          <dt>From</dt>
          <dd>{location}</dd>
        </div>
        {finalLocation === location ? undefined : (
          <div>
            <dt>Redirected to</dt>
            <dd>{finalLocation}</dd>
          </div>
        )}
        <div>
          <dt>File</dt>
          <dd>
            {numberText(bytes)} bytes, {sourceFormat}
          </dd>
        </div>
        {Object.entries(checksums)
          .toSorted(byName)
          .map(([algorithm, value]) => (
            <div key={algorithm}>
              <dt>{algorithm}</dt>
              <dd>
                <code>{value}</code>
              </dd>
            </div>
          ))}
        <div>
          <dt>Disk</dt>
          <dd>
            {sizeText(size)}, SHA-256 <code>{diskSha256}</code>
          </dd>
        </div>
      </dl>
    </section>
  );
}

function Keep({ operator, identifier, pinned }: Pick<CachedImageProps, 'operator' | 'identifier' | 'pinned'>) {
  return (
    <section class="panel" aria-labelledby="keep">
      <h2 id="keep">Keep it, or let it go</h2>
      <p>
        {pinned
          ? 'It is pinned: it stays, however little room there is.'
          : 'It goes when room is needed and nothing uses it, unless it is pinned.'}
      </p>
      <CacheForm operator={operator} action={pinned ? 'unpin' : 'pin'} identifiers={[identifier]}>
        <button type="submit">{pinned ? 'Unpin it' : 'Pin it'}</button>
      </CacheForm>
      <p>Every byte of it can be read back; what is damaged is fetched again.</p>
      <CacheForm operator={operator} action="repair" identifiers={[identifier]}>
        <button type="submit" class="quiet">
          Check and repair it
        </button>
      </CacheForm>
      <p>Where it goes, its room comes back when garbage is collected.</p>
      <CacheForm operator={operator} action="evict" identifiers={[identifier]}>
        <button type="submit" class="danger">
          Evict it
        </button>
        <DryRunButton />
      </CacheForm>
    </section>
  );
}

export function cachedImagePage(props: CachedImageProps): string {
  const { site, operator, identifier, title, image, pinned, cache, notice } = props;
  return pageText(
    <Layout site={site} title={`${title ?? identifier} in the cache`} section="cache" scripts={['live.js']}>
      <div class="top">
        <OperatorTabs operator={operator} />
        <p class="trail">
          <a href="/cache">Cache</a>
        </p>
        <h1>{title ?? identifier}</h1>
        <p class="badges">
          {pinned ? <Badge tone="plain">Pinned</Badge> : undefined}
          <code>{identifier}</code>
        </p>
        <p class="by">
          <a href={imagePath(identifier)}>Who endorses it</a>
        </p>
        {notice === undefined ? undefined : <Notice notice={notice} />}
      </div>
      <div id="image" class="panels" data-live>
        <div>
          <Cached identifier={identifier} cache={cache} operator={operator} page />
          {image === undefined ? undefined : <Keep operator={operator} identifier={identifier} pinned={pinned} />}
        </div>
        {image === undefined ? undefined : (
          <div>
            <Proven image={image} />
          </div>
        )}
      </div>
    </Layout>,
  );
}
