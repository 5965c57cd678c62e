// What the cache of this site has of an image: here, on its way, or why it did not come. A script keeps it up to date.
import { Badge, When } from './parts.tsx';
import { type CacheView } from './view.ts';

/** How far a pull is, in words. */
function pullText({ state, repairs = false, retryAt }: NonNullable<CacheView['pull']>): string {
  if (state === 'queued') return repairs ? 'Waits to be repaired.' : 'Waits to be fetched.';
  if (state === 'retrying') return `Is tried again at ${retryAt ?? 'a later time'}.`;
  return repairs ? 'Has lost a part, which is being brought back.' : 'Is being fetched and proven.';
}

/** Asks for the operator token each time: no other site can make a browser send what it does not know, and no script is needed. */
function JobForm({ job, action, label }: { job: number; action: 'cancel' | 'retry'; label: string }) {
  return (
    <form class="job" action={`/jobs/${job}`} method="post" data-pull-form={action}>
      <input type="hidden" name="action" value={action} />
      <label>
        <span>Operator token</span>
        <input type="password" name="token" autocomplete="off" required />
      </label>
      <button type="submit" class="quiet">
        {label}
      </button>
    </form>
  );
}

export function Cached({ identifier, cache }: { identifier: string; cache: CacheView }) {
  const { proven, pull, failure, cancel, retry } = cache;
  return (
    <section class="panel" aria-labelledby="cached" data-pull={identifier}>
      <h2 id="cached">
        In this cache{' '}
        {proven === undefined ? <Badge tone="quiet">Not here</Badge> : <Badge tone="good">Here, proven</Badge>}
      </h2>
      {proven === undefined ? undefined : (
        <p>
          Fetched, and every checksum verified, on <When time={proven} />.
        </p>
      )}
      <p data-pull-text role="status">
        {pull === undefined ? (proven === undefined ? 'It is fetched when a disk is made of it.' : '') : pullText(pull)}
      </p>
      <progress
        data-pull-bar
        aria-label="Share of the image that is proven"
        max={pull?.signedBytes ?? 1}
        value={pull?.provenBytes ?? 0}
        hidden={pull?.state !== 'running' || pull.repairs === true}
      />
      {failure === undefined ? undefined : (
        <p data-pull-failure>
          {proven === undefined ? 'The last attempt' : 'The last repair'} failed on <When time={failure.failed} />:{' '}
          {failure.message}
        </p>
      )}
      {retry === undefined ? undefined : <JobForm job={retry} action="retry" label="Try again now" />}
      {cancel === undefined ? undefined : <JobForm job={cancel} action="cancel" label="Cancel" />}
    </section>
  );
}
