// What the cache of this site has of an image: here, on its way, or why it did not come. A script keeps it up to date.
import { cachedPath } from './links.ts';
import { CacheForm, FormToken, Progress } from './operate.tsx';
import { Badge, Moment, Reason, When } from './parts.tsx';
import { type CacheView, type OperatorView } from './view.ts';

/** Who is not signed in is asked for the operator token each time: no other site can make a browser send what it does not know. */
function Proof({ operator }: { operator: OperatorView | undefined }) {
  if (operator !== undefined) return <FormToken operator={operator} />;
  return (
    <label>
      <span>Operator token</span>
      <input type="password" name="token" autocomplete="off" required />
    </label>
  );
}

/** `back`: the page to come back to. */
export function JobForm(props: {
  readonly job: number;
  readonly action: 'cancel' | 'retry';
  readonly label: string;
  readonly operator?: OperatorView | undefined;
  readonly back?: 'job' | 'image';
}) {
  const { job, action, label, operator, back } = props;
  return (
    <form class="job" action={`/jobs/${job}`} method="post">
      <input type="hidden" name="action" value={action} />
      {back === undefined ? undefined : <input type="hidden" name="back" value={back} />}
      <Proof operator={operator} />
      <button type="submit" class="quiet">
        {label}
        <span class="unseen">{` (job ${job})`}</span>
      </button>
    </form>
  );
}

function stateOf({ proven, pull, failure }: CacheView) {
  if (pull?.repairs === true) return <Badge tone="busy">Here, being repaired</Badge>;
  if (proven !== undefined) return <Badge tone="good">Here, proven</Badge>;
  if (pull !== undefined) return <Badge tone="busy">On its way</Badge>;
  return <Badge tone={failure === undefined ? 'quiet' : 'bad'}>Not here</Badge>;
}

/** `page`: that of the image in the cache, where nothing leads back to it. */
export function Cached(props: {
  readonly identifier: string;
  readonly cache: CacheView;
  readonly operator?: OperatorView | undefined;
  readonly page?: boolean;
}) {
  const { identifier, cache, operator, page = false } = props;
  const { proven, pull, failure, cancel, retry } = cache;
  const forms = { operator, ...(page ? { back: 'image' as const } : {}) };
  return (
    <section
      class="panel"
      aria-labelledby="cached"
      id="cached-image"
      data-live
      data-job-key={`pull ${identifier}`}
      data-job={pull?.job}
      data-job-state={pull?.state}
    >
      <h2 id="cached">In this cache {stateOf(cache)}</h2>
      {proven === undefined ? undefined : (
        <p>
          Fetched, and every checksum verified, on <When time={proven} />.
        </p>
      )}
      {pull === undefined ? undefined : <Progress progress={pull.progress} label="How much of the image has come" />}
      {proven === undefined && pull === undefined ? <p>It is fetched when a disk is made of it.</p> : undefined}
      {pull?.retryAt === undefined ? undefined : (
        <p>
          The next attempt comes at <Moment time={pull.retryAt} />.
        </p>
      )}
      {failure === undefined ? undefined : (
        <div class="notice bad">
          <p>
            {proven === undefined ? 'The last attempt' : 'The last repair'} failed on <When time={failure.failed} />:
          </p>
          <Reason text={failure.message} />
        </div>
      )}
      {operator === undefined || proven !== undefined || pull !== undefined ? undefined : (
        <CacheForm operator={operator} action="pull" identifiers={[identifier]}>
          <button type="submit">{failure === undefined ? 'Fetch it now' : 'Try again now'}</button>
        </CacheForm>
      )}
      {retry === undefined || (operator !== undefined && pull === undefined && proven === undefined) ? undefined : (
        <JobForm job={retry} action="retry" label="Try again now" {...forms} />
      )}
      {cancel === undefined ? undefined : <JobForm job={cancel} action="cancel" label="Cancel" {...forms} />}
      {page || operator === undefined ? undefined : (
        <p>
          <a href={cachedPath(identifier)}>Pin it, evict it, see what was checked</a>
        </p>
      )}
    </section>
  );
}
