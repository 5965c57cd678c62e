// One entry with everything in it: facts, signature, policy, where the contents are, how to use it, history, others.
import { summaryOf, systemOf, titleOf } from './card.tsx';
import { Cached } from './cached.tsx';
import { Contents } from './contents.tsx';
import { Layout, pageText } from './layout.tsx';
import { endorserPath, entryPath, imagePath, listPath } from './links.ts';
import { Admission, Badge, Commands, Email, sizeText, Standing, numberText, When } from './parts.tsx';
import { Verdicts } from './policy.tsx';
import { Signature } from './signature.tsx';
import {
  type CacheView,
  type EntryView,
  type JudgementView,
  type LocationView,
  type OperatorView,
  type SiteView,
} from './view.ts';

export interface EntryProps {
  readonly site: SiteView;
  readonly entry: EntryView;
  /** All entries of this endorser for this image, newest first. */
  readonly history: readonly EntryView[];
  /** Current entries of other endorsers for this image. */
  readonly others: readonly EntryView[];
  /** What this site's policy says of it. */
  readonly judgement?: JudgementView;
  /** What this site's cache has of it. */
  readonly cache?: CacheView;
  /** Who is signed in. */
  readonly operator?: OperatorView;
  /** What is known of the locations. */
  readonly health?: readonly LocationView[];
  /** Address of this site as a client reaches it, such as `https://images.example.org`. */
  readonly origin: string;
}

function Notice({ entry, history }: Pick<EntryProps, 'entry' | 'history'>) {
  const { standing, metadata } = entry;
  const [newest] = history;
  if (standing === 'valid') return undefined;
  return (
    <div class={`notice ${standing}`} role="note">
      {standing === 'deprecated' ? <p>Its endorser advises against it: {metadata.deprecated}</p> : undefined}
      {standing === 'withdrawn' && metadata.withdrawal !== undefined ? (
        <p>
          Its endorser has taken the endorsement back: nobody should rely on the image from{' '}
          <When time={metadata.withdrawal.from} /> on. {metadata.withdrawal.reason}
        </p>
      ) : undefined}
      {standing === 'expired' ? (
        <p>
          Its endorser vouched for it until <When time={metadata.valid ?? ''} />.
        </p>
      ) : undefined}
      {standing === 'replaced' && newest !== undefined ? (
        <p>
          There is <a href={entryPath(newest.key)}>a newer entry</a> of this endorser for this image, of{' '}
          <When time={newest.key.created} />.
        </p>
      ) : undefined}
      {metadata.isReplacedBy === undefined ? undefined : (
        <p>
          Use <a href={imagePath(metadata.isReplacedBy)}>{metadata.isReplacedBy}</a> instead.
        </p>
      )}
    </div>
  );
}

function list(values: readonly (string | number)[]): string | undefined {
  return values.length === 0 ? undefined : values.join(', ');
}

/** Properties that Mintmark does not interpret, those within others indented. */
function ForeignProperties({ properties }: { properties: EntryView['metadata']['foreign'] }) {
  return (
    <>
      {properties.map(({ namespace, name, text, children }, index) => (
        <div key={index}>
          <dt title={namespace}>{name}</dt>
          <dd>
            {children.length === 0 ? (
              text
            ) : (
              <dl class="pairs">
                <ForeignProperties properties={children} />
              </dl>
            )}
          </dd>
        </div>
      ))}
    </>
  );
}

function Facts({ entry }: { entry: EntryView }) {
  const { metadata } = entry;
  const pairs: readonly (readonly [string, string | undefined])[] = [
    ['Operating system', systemOf(entry)],
    ['Architecture', metadata.osArch],
    ['Type', metadata.type],
    ['Kind', list(metadata.kinds)],
    ['Format', metadata.format],
    ['Compression', metadata.compression],
    ['Size', metadata.bytes < 1024 ? undefined : sizeText(metadata.bytes)],
    ['Bytes', numberText(metadata.bytes)],
    ['Version', metadata.version],
    ['Serial number', metadata.serialNumber],
    ['Hypervisors', list(metadata.hypervisors)],
    ['Disk buses', list(metadata.disksBuses)],
    ['Inbound ports', list(metadata.inboundPorts.map((port) => (port === 0 ? 'all' : port)))],
    ['Outbound ports', list(metadata.outboundPorts.map((port) => (port === 0 ? 'all' : port)))],
    ['ICMP types', list(metadata.icmp)],
    ['Creator', metadata.creator],
    ['Publisher', metadata.publisher],
  ];
  return (
    <section class="panel" aria-labelledby="facts">
      <h2 id="facts">What it is</h2>
      <dl class="pairs">
        {pairs.map(([name, value]) =>
          value === undefined ? undefined : (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ),
        )}
        {metadata.created === undefined ? undefined : (
          <div>
            <dt>Created</dt>
            <dd>
              <When time={metadata.created} />
            </dd>
          </div>
        )}
        <div>
          <dt>Valid until</dt>
          <dd>{metadata.valid === undefined ? 'no date stated' : <When time={metadata.valid} />}</dd>
        </div>
        {(
          [
            ['Replaces', metadata.replaces],
            ['Version of', metadata.isVersionOf],
          ] as const
        ).map(([name, identifier]) =>
          identifier === undefined ? undefined : (
            <div key={name}>
              <dt>{name}</dt>
              <dd>
                <a href={imagePath(identifier)}>{identifier}</a>
              </dd>
            </div>
          ),
        )}
        <ForeignProperties properties={metadata.foreign} />
      </dl>
    </section>
  );
}

function Policy({ judgement }: { judgement: JudgementView }) {
  return (
    <section class="panel" aria-labelledby="policy">
      <h2 id="policy">
        Policy of this site <Admission admitted={judgement.admitted} />
      </h2>
      <Verdicts rules={judgement.rules} />
      <p>
        <a href="/policy">The whole policy</a>
      </p>
    </section>
  );
}

function Use({ entry, origin }: Pick<EntryProps, 'entry' | 'origin'>) {
  const { key } = entry;
  return (
    <section class="panel" aria-labelledby="use">
      <h2 id="use">Use it</h2>
      <p>Make a disk of it; the contents are fetched and every checksum is verified:</p>
      <Commands label="Command that makes a volume">{`mintmark volume create --image ${key.identifier}`}</Commands>
      <p>Take the signed document, and check it on your own machine:</p>
      <Commands label="Commands that check the document">
        {`curl -fsS -H 'Accept: application/xml' -o metadata.xml \\\n  '${origin}${entryPath(key)}'\nmintmark metadata validate metadata.xml`}
      </Commands>
    </section>
  );
}

/** `shown`: the one that the page is about, among others of its endorser. */
function EntryRows({ entries, shown }: { entries: readonly EntryView[]; shown?: EntryView }) {
  return (
    <ul class="rows">
      {entries.map((entry) => (
        <li key={entry.id} {...(entry.id === shown?.id ? { 'aria-current': 'true' as const } : {})}>
          <a href={entryPath(entry.key)}>
            <When time={entry.key.created} />
          </a>
          {shown === undefined ? (
            <span>
              <Email address={entry.key.email} />
            </span>
          ) : undefined}
          <Standing standing={entry.standing} />
        </li>
      ))}
    </ul>
  );
}

export function entryPage(props: EntryProps): string {
  const { site, entry, history, others, judgement, cache, operator, health = [], origin } = props;
  const { metadata, key, standing } = entry;
  return pageText(
    <Layout site={site} title={titleOf(entry)} section="images" scripts={cache === undefined ? [] : ['live.js']}>
      <div class="top">
        <p class="trail">
          <a href="/metadata">Images</a>
        </p>
        <h1>{titleOf(entry)}</h1>
        <p class="badges">
          <Standing standing={standing} />
          {judgement === undefined ? undefined : <Admission admitted={judgement.admitted} />}
          {metadata.tag === undefined ? undefined : <Badge tone="plain">{metadata.tag}</Badge>}
          <span class="lead-facts">{summaryOf(entry).join(' · ')}</span>
        </p>
        <p class="by">
          endorsed by{' '}
          <a href={endorserPath(key.email)}>
            <Email address={key.email} />
          </a>{' '}
          on <When time={key.created} />
        </p>
        {metadata.description === undefined ? undefined : <p class="about">{metadata.description}</p>}
        <Notice entry={entry} history={history} />
        <p class="actions">
          <a class="button" href={`${entryPath(key)}?media=xml`}>
            Signed document (XML)
          </a>
          <a href={`${entryPath(key)}?media=json`}>JSON</a>
        </p>
      </div>
      <div class="panels">
        <div>
          <Facts entry={entry} />
          <Contents entry={entry} health={health} />
          {cache === undefined ? undefined : <Cached identifier={key.identifier} cache={cache} operator={operator} />}
          <Use entry={entry} origin={origin} />
        </div>
        <div>
          <Signature entry={entry} />
          {judgement === undefined ? undefined : <Policy judgement={judgement} />}
          <section class="panel" aria-labelledby="history">
            <h2 id="history">History</h2>
            <EntryRows entries={history} shown={entry} />
          </section>
          <section class="panel" aria-labelledby="others">
            <h2 id="others">Other endorsements</h2>
            {others.length === 0 ? <p>Nobody else has endorsed this image here.</p> : <EntryRows entries={others} />}
            <p>
              <a href={listPath({ identifier: key.identifier, status: 'all' })}>All entries of this image</a>
            </p>
          </section>
        </div>
      </div>
    </Layout>,
  );
}
