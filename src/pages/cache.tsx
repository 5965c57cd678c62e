// The images that the cache holds, those that are on their way, and how to have one fetched.
import { type CacheSummaryView, type NoticeView, type OperatorView, type SiteView } from './view.ts';
import { JobForm } from './cached.tsx';
import { Layout, pageText } from './layout.tsx';
import { cachedPath } from './links.ts';
import { CacheForm, DryRunButton, Notice, OperatorTabs, Progress } from './operate.tsx';
import { Badge, Email, numberText, sizeText, When } from './parts.tsx';

export interface CacheProps {
  readonly site: SiteView;
  readonly operator: OperatorView;
  /** Those used last first. */
  readonly images: readonly CacheSummaryView[];
  readonly pulls: readonly PullView[];
  readonly notice?: NoticeView;
  /** What stood in the field of the form that was sent. */
  readonly asked?: string;
}

export interface PullView {
  readonly identifier: string;
  readonly title?: string;
  readonly job: number;
  readonly state: string;
  readonly cancelling: boolean;
  readonly progress: { readonly text: string; readonly done?: number; readonly of?: number };
}

function PullForm({ operator, asked }: Pick<CacheProps, 'operator' | 'asked'>) {
  return (
    <CacheForm operator={operator} action="pull">
      <label class="wide">
        <span>Fetch an image, by its identifier</span>
        <input
          type="search"
          name="identifier"
          value={asked ?? ''}
          maxLength={27}
          placeholder="27 letters, as on the page of the image"
          required
          autocomplete="off"
          spellcheck={false}
        />
      </label>
      <button type="submit">Fetch it</button>
      <DryRunButton />
    </CacheForm>
  );
}

function Pull({ pull, operator }: { pull: PullView; operator: OperatorView }) {
  const { identifier, title, job, state, cancelling, progress } = pull;
  return (
    <li class="card" data-job={job} data-job-state={state}>
      <h3>
        <a href={cachedPath(identifier)}>{title ?? identifier}</a>
      </h3>
      <Progress progress={progress} label={`How much of ${title ?? identifier} has come`} />
      {cancelling ? undefined : <JobForm job={job} action="cancel" label="Cancel" operator={operator} back="image" />}
    </li>
  );
}

function Image({ identifier, title, size, sourceFormat, proven, used, email, pinned }: CacheSummaryView) {
  return (
    <li class="card">
      <h3>
        <a href={cachedPath(identifier)}>{title ?? identifier}</a>
      </h3>
      <p class="badges">{pinned ? <Badge tone="plain">Pinned</Badge> : undefined}</p>
      <ul class="facts">
        <li>disk of {sizeText(size)}</li>
        <li>from {sourceFormat}</li>
        <li>
          {used === undefined ? (
            'not used since'
          ) : (
            <>
              used <When time={used} />
            </>
          )}
        </li>
      </ul>
      <p class="by">
        proven on <When time={proven} />, as <Email address={email} /> signed it
      </p>
    </li>
  );
}

export function cachePage({ site, operator, images, pulls, notice, asked }: CacheProps): string {
  return pageText(
    <Layout site={site} title="Cache" section="cache" scripts={['live.js']}>
      <div class="top">
        <h1>Cache</h1>
        <OperatorTabs operator={operator} current="images" />
        {notice === undefined ? undefined : <Notice notice={notice} />}
        <PullForm operator={operator} {...(asked === undefined ? {} : { asked })} />
      </div>
      <section id="pulls" class="main" aria-labelledby="on-their-way" data-live data-job-kind="pull">
        {pulls.length === 0 ? undefined : (
          <>
            <h2 id="on-their-way">On their way</h2>
            <ul class="cards">
              {pulls.map((pull) => (
                <Pull key={pull.job} pull={pull} operator={operator} />
              ))}
            </ul>
          </>
        )}
      </section>
      <section id="here" class="main" aria-labelledby="images" data-live data-job-kind="pull">
        <h2 id="images" class="found">
          {images.length === 0
            ? 'No image is here'
            : `${numberText(images.length)} ${images.length === 1 ? 'image' : 'images'}`}
        </h2>
        {images.length === 0 ? (
          <div class="empty">
            <p>The cache is empty. An image is fetched when a disk is made of it, or when you ask for it above.</p>
            <p>
              <a href="/metadata">Find one in the list of images</a>
            </p>
          </div>
        ) : (
          <ul class="cards">
            {images.map((image) => (
              <Image key={image.identifier} {...image} />
            ))}
          </ul>
        )}
      </section>
    </Layout>,
  );
}
