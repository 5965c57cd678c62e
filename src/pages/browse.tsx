// The list of images: search, filters with counts, order, and one page of entries.
import { Cards } from './card.tsx';
import { Facets, parameterTitles, type FacetsView } from './facets.tsx';
import { Layout, pageText } from './layout.tsx';
import { changedList, listPath } from './links.ts';
import { numberText } from './parts.tsx';
import { type ChosenView, type EntryView, type SiteView } from './view.ts';

export interface BrowseProps {
  readonly site: SiteView;
  readonly entries: readonly EntryView[];
  readonly total: number;
  /** False: `total` and the counts are lower bounds. */
  readonly exact: boolean;
  readonly facets: FacetsView;
  readonly chosen: ChosenView;
  /** Cursor of the next page. */
  readonly next?: string;
  /** Whether this is the first page. */
  readonly first: boolean;
}

const statuses = [
  ['valid', 'Valid'],
  ['expired', 'Expired'],
  ['deprecated', 'Deprecated'],
  ['withdrawn', 'Withdrawn'],
  ['all', 'All'],
] as const;

const sorts = [
  ['-created', 'Newest first'],
  ['created', 'Oldest first'],
  ['title', 'By title'],
  ['-title', 'By title, Z to A'],
] as const;

/** Parameters that the form above the list sets itself. */
const ofForm = new Set(['q', 'sort']);

function SearchForm({ chosen }: { chosen: ChosenView }) {
  const sort = chosen['sort'] ?? '-created';
  return (
    <form class="search" action="/metadata" method="get" role="search" data-search>
      <label class="wide">
        <span>Search</span>
        <input
          type="search"
          name="q"
          value={chosen['q'] ?? ''}
          placeholder="Words, an address, a checksum"
          autocomplete="off"
          spellcheck={false}
        />
      </label>
      <label>
        <span>Order</span>
        <select name="sort">
          {sorts.map(([value, text]) => (
            <option key={value} value={value} selected={value === sort}>
              {text}
            </option>
          ))}
        </select>
      </label>
      {Object.entries(chosen).map(([name, value]) =>
        ofForm.has(name) ? undefined : <input key={name} type="hidden" name={name} value={value} />,
      )}
      <button type="submit">Search</button>
    </form>
  );
}

const admittedText = (value: string): string => (value === 'true' ? 'yes' : 'no');

function Chips({ chosen }: { chosen: ChosenView }) {
  const shown = Object.entries(chosen).filter(([name]) => parameterTitles.has(name));
  if (shown.length === 0) return undefined;
  const kept = { status: chosen['status'], sort: chosen['sort'] };
  return (
    <ul class="chips" aria-label="Chosen filters">
      {shown.map(([name, value]) => (
        <li key={name}>
          <a href={changedList(chosen, name, undefined)}>
            <span class="chip-name">{parameterTitles.get(name)}:</span>{' '}
            {name === 'admitted' ? admittedText(value) : value}
            <span class="chip-x" aria-hidden="true">
              ×
            </span>
            <span class="unseen"> – take away</span>
          </a>
        </li>
      ))}
      {shown.length > 1 ? (
        <li>
          <a class="all" href={listPath(kept)}>
            Take all away
          </a>
        </li>
      ) : undefined}
    </ul>
  );
}

function Statuses({ chosen }: { chosen: ChosenView }) {
  const current = chosen['status'] ?? 'valid';
  return (
    <nav class="tabs" aria-label="Standing">
      {statuses.map(([value, text]) => (
        <a
          key={value}
          href={changedList(chosen, 'status', value === 'valid' ? undefined : value)}
          {...(value === current ? { 'aria-current': 'page' as const } : {})}
        >
          {text}
        </a>
      ))}
    </nav>
  );
}

function countText({ total, exact }: Pick<BrowseProps, 'total' | 'exact'>): string {
  if (total === 0 && exact) return 'No entry fits';
  return `${exact ? '' : 'More than '}${numberText(total)} ${total === 1 ? 'entry' : 'entries'}`;
}

function Nothing({ chosen }: { chosen: ChosenView }) {
  const filtered = Object.keys(chosen).length > 0;
  return (
    <div class="empty">
      <p>
        {filtered
          ? 'Nothing here fits all of these filters. Take one away, or look among all entries.'
          : 'Nothing has been published here yet.'}
      </p>
      <p>
        {filtered ? <a href={listPath({ status: 'all' })}>Show all entries</a> : <a href="/upload">Upload the first</a>}
      </p>
    </div>
  );
}

export function browsePage(props: BrowseProps): string {
  const { site, entries, facets, chosen, next, first } = props;
  return pageText(
    <Layout site={site} title="Images" section="images" scripts={['search.js']}>
      <div class="top">
        <h1>Images</h1>
        <SearchForm chosen={chosen} />
        <Statuses chosen={chosen} />
        <Chips chosen={chosen} />
      </div>
      <div class="columns" id="results">
        <aside aria-label="Filters">
          <details class="filters">
            <summary>Filters</summary>
            <Facets facets={facets} chosen={chosen} />
          </details>
        </aside>
        <section aria-labelledby="found">
          <h2 id="found" class="found" aria-live="polite">
            {countText(props)}
          </h2>
          {entries.length === 0 ? <Nothing chosen={chosen} /> : <Cards entries={entries} />}
          <nav class="pages" aria-label="Pages">
            {first ? undefined : <a href={listPath(chosen)}>First page</a>}
            {next === undefined ? undefined : (
              <a class="next" rel="next" href={listPath({ ...chosen, cursor: next })}>
                Next page
              </a>
            )}
          </nav>
        </section>
      </div>
    </Layout>,
  );
}
