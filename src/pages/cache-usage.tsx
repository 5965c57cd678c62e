// How much room the cache takes and what sharing saves, drawn to scale; and the upkeep: make room, collect garbage, scrub, slow down.
import { Layout, pageText } from './layout.tsx';
import { cachedPath } from './links.ts';
import { CacheForm, DryRunButton, Notice, OperatorTabs } from './operate.tsx';
import { numberText, sizeText } from './parts.tsx';
import { type NoticeView, type OperatorView, type SiteView } from './view.ts';

export interface UsageView {
  readonly images: number;
  readonly snapshots: number;
  readonly pinned: number;
  readonly diskBytes: number;
  readonly liveChunks: number;
  readonly liveBytes: number;
  readonly storedBytes: number;
  readonly packs: number;
  readonly garbageBytes: number;
  readonly ratio: number;
}

export interface UsageProps {
  readonly site: SiteView;
  readonly operator: OperatorView;
  readonly usage: UsageView;
  /** Bytes that images and snapshots may take; undefined: no limit. */
  readonly quotaBytes?: number;
  /** Of all pulls together; undefined: as fast as it goes. */
  readonly bytesPerSecond?: number;
  readonly notice?: NoticeView;
  /** Images that would be evicted, in this order. */
  readonly evictable?: readonly { readonly identifier: string; readonly title?: string; readonly size: number }[];
}

interface Bar {
  readonly name: string;
  readonly bytes: number;
  /** Shown at the end of the bar, in another colour. */
  readonly garbage?: number;
}

/** Width of a share in the 1,000 units of the drawing; what is there is seen, however little it is. */
const widthOf = (bytes: number, of: number): number => (bytes === 0 ? 0 : Math.max(4, (bytes / of) * 1000));

/** Bars of one scale. The figures stand beside them, so that nobody has to see them. */
function Bars({ bars }: { bars: readonly Bar[] }) {
  const longest = Math.max(1, ...bars.map(({ bytes }) => bytes));
  return (
    <ul class="bars">
      {bars.map(({ name, bytes, garbage = 0 }) => (
        <li key={name}>
          <span>{name}</span>
          <span class="figure">{sizeText(bytes)}</span>
          <svg viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true" focusable="false">
            <rect class="bar-ground" width="1000" height="10" />
            <rect class="bar-live" width={widthOf(bytes, longest)} height="10" />
            {garbage === 0 ? undefined : (
              <rect
                class="bar-garbage"
                x={widthOf(bytes, longest) - widthOf(garbage, longest)}
                width={widthOf(garbage, longest)}
                height="10"
              />
            )}
          </svg>
        </li>
      ))}
    </ul>
  );
}

function savingText({ diskBytes, storedBytes, ratio }: UsageView): string {
  if (diskBytes === 0) return 'Nothing is stored yet.';
  if (storedBytes === 0) return 'The disks hold nothing but zeros, which take no room.';
  if (ratio < 1.1) return 'So far the store takes about as much room as the disks: little of them repeats.';
  return `One byte on the store stands for ${ratio.toFixed(ratio < 10 ? 1 : 0)} bytes of disks: zeros take no room, what images share is kept once, and what is kept is compressed where that helps.`;
}

function Space({ usage, quotaBytes }: Pick<UsageProps, 'usage' | 'quotaBytes'>) {
  const { images, snapshots, pinned, diskBytes, liveBytes, storedBytes, packs, garbageBytes, liveChunks } = usage;
  return (
    <section class="panel" aria-labelledby="space">
      <h2 id="space">Space</h2>
      <Bars
        bars={[
          { name: 'All disks, as machines see them', bytes: diskBytes },
          { name: 'Without zeros and repetitions', bytes: liveBytes },
          { name: 'On the store', bytes: storedBytes, garbage: garbageBytes },
          ...(quotaBytes === undefined ? [] : [{ name: 'Allowed (quota)', bytes: quotaBytes }]),
        ]}
      />
      <p>{savingText(usage)}</p>
      <dl class="pairs">
        <div>
          <dt>Images</dt>
          <dd>
            {numberText(images)}, of which {numberText(pinned)} pinned
          </dd>
        </div>
        <div>
          <dt>Snapshots</dt>
          <dd>{numberText(snapshots)}</dd>
        </div>
        <div>
          <dt>Kept as</dt>
          <dd>
            {numberText(liveChunks)} {liveChunks === 1 ? 'chunk' : 'chunks'} in {numberText(packs)}{' '}
            {packs === 1 ? 'pack' : 'packs'}
          </dd>
        </div>
        <div>
          <dt>
            <span class="key-garbage" aria-hidden="true" /> Garbage
          </dt>
          <dd>{garbageBytes === 0 ? 'none' : `${sizeText(garbageBytes)}, which collections free`}</dd>
        </div>
      </dl>
    </section>
  );
}

function Upkeep({ operator, bytesPerSecond }: Pick<UsageProps, 'operator' | 'bytesPerSecond'>) {
  return (
    <>
      <section class="panel" aria-labelledby="room">
        <h2 id="room">Make room</h2>
        <p>
          The images that were used longest ago go first; what is pinned or in use stays. You see them before they go.
        </p>
        <CacheForm operator={operator} action="free">
          <label>
            <span>GiB to free</span>
            <input type="number" name="gibibytes" min="0.001" step="any" required inputMode="decimal" />
          </label>
          <button type="submit">Choose images</button>
        </CacheForm>
      </section>
      <section class="panel" aria-labelledby="garbage">
        <h2 id="garbage">Collect garbage</h2>
        <p>Frees what nothing refers to any more. It comes by itself every hour.</p>
        <CacheForm operator={operator} action="collect">
          <button type="submit">Collect now</button>
          <DryRunButton />
        </CacheForm>
      </section>
      <section class="panel" aria-labelledby="scrub">
        <h2 id="scrub">Scrub</h2>
        <p>Reads everything back, and repairs what is damaged from its locations.</p>
        <CacheForm operator={operator} action="scrub">
          <label class="check">
            <input type="checkbox" name="restart" value="true" />
            <span>From the beginning, even if one was cut short</span>
          </label>
          <button type="submit">Scrub now</button>
        </CacheForm>
      </section>
      <section class="panel" aria-labelledby="rate">
        <h2 id="rate">Speed of pulls</h2>
        <p>Of all pulls of this server together. Empty: as fast as it goes.</p>
        <CacheForm operator={operator} action="rate">
          <label>
            <span>MiB per second</span>
            <input
              type="number"
              name="mebibytes"
              min="0.001"
              step="any"
              inputMode="decimal"
              value={bytesPerSecond === undefined ? '' : String(Number((bytesPerSecond / 1024 ** 2).toFixed(3)))}
            />
          </label>
          <button type="submit">Set it</button>
        </CacheForm>
      </section>
    </>
  );
}

function Evictable({ operator, evictable }: Required<Pick<UsageProps, 'operator' | 'evictable'>>) {
  const bytes = evictable.reduce((sum, { size }) => sum + size, 0);
  return (
    <section class="notice warn" aria-labelledby="would-go">
      <h2 id="would-go">
        {evictable.length === 0
          ? 'No image can go: all are pinned or in use'
          : `These would go: ${sizeText(bytes)} of disks`}
      </h2>
      {evictable.length === 0 ? undefined : (
        <>
          <ul class="rows">
            {evictable.map(({ identifier, title, size }) => (
              <li key={identifier}>
                <a href={cachedPath(identifier)}>{title ?? identifier}</a>
                <span class="figure">{sizeText(size)}</span>
              </li>
            ))}
          </ul>
          <p>The room comes back when garbage is collected. What others share with them stays.</p>
          <CacheForm operator={operator} action="evict" identifiers={evictable.map(({ identifier }) => identifier)}>
            <button type="submit" class="danger">
              {evictable.length === 1 ? 'Evict this image' : `Evict these ${evictable.length} images`}
            </button>
            <a href="/cache/usage">Leave them</a>
          </CacheForm>
        </>
      )}
    </section>
  );
}

export function usagePage(props: UsageProps): string {
  const { site, operator, usage, quotaBytes, bytesPerSecond, notice, evictable } = props;
  return pageText(
    <Layout site={site} title="Space and upkeep" section="cache">
      <div class="top">
        <h1>Space and upkeep</h1>
        <OperatorTabs operator={operator} current="usage" />
        {notice === undefined ? undefined : <Notice notice={notice} />}
        {evictable === undefined ? undefined : <Evictable operator={operator} evictable={evictable} />}
      </div>
      <div class="panels">
        <div>
          <Space usage={usage} {...(quotaBytes === undefined ? {} : { quotaBytes })} />
        </div>
        <div>
          <Upkeep operator={operator} {...(bytesPerSecond === undefined ? {} : { bytesPerSecond })} />
        </div>
      </div>
    </Layout>,
  );
}
