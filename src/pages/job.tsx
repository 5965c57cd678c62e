// One job: how far it is, what each attempt came to, and how to end it or have it tried again.
import { JobForm } from './cached.tsx';
import { About, JobState, jobTitle, kindTitle } from './jobs.tsx';
import { Layout, pageText } from './layout.tsx';
import { OperatorTabs, Progress } from './operate.tsx';
import { Moment, numberText, Reason, sizeText, withoutDigests } from './parts.tsx';
import { durationText, progressOf } from './progress.ts';
import { type AttemptView, type JobView, type OperatorView, type SiteView } from './view.ts';

const outcomes: Readonly<Record<string, string>> = {
  done: 'ended well',
  failed: 'failed',
  cancelled: 'was cancelled',
  lost: 'gave no sign of life any more',
  released: 'was handed back, because its server was stopped',
};

function took(started: string, ended: string | undefined): string | undefined {
  return ended === undefined ? undefined : durationText((Date.parse(ended) - Date.parse(started)) / 1000);
}

/** `removedBytes` as Removed bytes. */
function nameText(name: string): string {
  const words = name.replaceAll(/[A-Z]/gu, (letter) => ` ${letter.toLowerCase()}`);
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Words are listed, things are counted. */
function listText(values: readonly unknown[]): string {
  if (values.length === 0) return 'none';
  return values.every((value) => typeof value === 'string') ? values.join(', ') : numberText(values.length);
}

/** Members of a result that can be shown in a line. */
function resultPairs(result: Readonly<Record<string, unknown>>): readonly (readonly [string, string])[] {
  return Object.entries(result).flatMap(([name, value]) => {
    if (typeof value === 'number')
      return [[nameText(name), /bytes|size/iu.test(name) ? sizeText(value) : numberText(value)]];
    if (typeof value === 'string') return [[nameText(name), value]];
    if (typeof value === 'boolean') return [[nameText(name), value ? 'yes' : 'no']];
    return Array.isArray(value) ? [[nameText(name), listText(value)]] : [];
  });
}

function Failure({ failure }: { failure: NonNullable<JobView['failure']> }) {
  return (
    <div class="notice bad" role="note">
      <Reason text={failure.message} />
      <p>{failure.action}</p>
      <p class="where">
        <code>{failure.code}</code>
      </p>
    </div>
  );
}

function Facts({ job }: { job: JobView }) {
  const times = [
    ['Asked for', job.created],
    ['Begun', job.started],
    ['Next attempt', job.state === 'retrying' ? job.runAt : undefined],
    ['Ended', job.finished],
  ] as const;
  return (
    <section class="panel" aria-labelledby="facts">
      <h2 id="facts">What it is</h2>
      <dl class="pairs">
        <div>
          <dt>Kind</dt>
          <dd>{kindTitle(job)}</dd>
        </div>
        <div>
          <dt>About</dt>
          <dd>
            <About {...job} />
          </dd>
        </div>
        {times.map(([name, time]) =>
          time === undefined ? undefined : (
            <div key={name}>
              <dt>{name}</dt>
              <dd>
                <Moment time={time} />
              </dd>
            </div>
          ),
        )}
        {job.worker === undefined ? undefined : (
          <div>
            <dt>Run by</dt>
            <dd>
              <code>{job.worker}</code>
            </dd>
          </div>
        )}
        <div>
          <dt>Priority</dt>
          <dd>{String(job.priority)}</dd>
        </div>
        {job.result === undefined
          ? undefined
          : resultPairs(job.result).map(([name, value]) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{value}</dd>
              </div>
            ))}
      </dl>
    </section>
  );
}

function Attempt({ attempt }: { attempt: AttemptView }) {
  const { number, worker, started, ended, outcome, failure } = attempt;
  const time = took(started, ended);
  return (
    <li>
      <span class="number">{String(number)}</span>
      <span>
        <Moment time={started} />
        {time === undefined ? undefined : <span class="outcome"> for {time}</span>}
      </span>
      <span>{outcome === undefined ? 'goes on' : (outcomes[outcome] ?? outcome)}</span>
      <span class="by">{worker}</span>
      {failure === undefined ? undefined : <p class="outcome">{withoutDigests(failure.message)}</p>}
    </li>
  );
}

export function jobPage(props: {
  readonly site: SiteView;
  readonly operator: OperatorView;
  readonly job: JobView;
}): string {
  const { site, operator, job } = props;
  const { id, state, cancelling, failure, attempts } = job;
  const active = state === 'queued' || state === 'running' || state === 'retrying';
  return pageText(
    <Layout site={site} title={`Job ${id}: ${jobTitle(job)}`} section="cache" scripts={['live.js']}>
      <div class="top">
        <OperatorTabs operator={operator} />
        <p class="trail">
          <a href="/jobs">Jobs</a>
        </p>
        <h1>{jobTitle(job)}</h1>
      </div>
      <div id="job" class="job-page" data-live data-job={id} data-job-state={state}>
        <section class="panel" aria-labelledby="state">
          <h2 id="state">
            Job {String(id)} <JobState state={state} />
          </h2>
          <Progress progress={progressOf(job)} label="How far it is" />
          {failure === undefined ? undefined : <Failure failure={failure} />}
          {active && !cancelling ? (
            <JobForm job={id} action="cancel" label="Cancel it" operator={operator} back="job" />
          ) : undefined}
          {state === 'failed' || state === 'cancelled' || state === 'retrying' ? (
            <JobForm job={id} action="retry" label="Try again now" operator={operator} back="job" />
          ) : undefined}
        </section>
        <div class="panels">
          <div>
            <Facts job={job} />
          </div>
          <div>
            <section class="panel" aria-labelledby="attempts">
              <h2 id="attempts">Attempts</h2>
              {attempts.length === 0 ? (
                <p>None has begun.</p>
              ) : (
                <ol class="rows attempts">
                  {attempts.toReversed().map((attempt) => (
                    <Attempt key={attempt.number} attempt={attempt} />
                  ))}
                </ol>
              )}
            </section>
          </div>
        </div>
      </div>
    </Layout>,
  );
}
