// What the server does in the background: the list of jobs, newest first.
import { Layout, pageText } from './layout.tsx';
import { cachedPath, jobPath, jobsPath } from './links.ts';
import { OperatorTabs, Progress, stateTones } from './operate.tsx';
import { Badge, Moment, withoutDigests } from './parts.tsx';
import { progressOf } from './progress.ts';
import { type JobView, type OperatorView, type SiteView } from './view.ts';

export interface JobsProps {
  readonly site: SiteView;
  readonly operator: OperatorView;
  readonly jobs: readonly JobView[];
  /** The filter that is chosen. */
  readonly state?: string;
  readonly kind?: string;
  /** `before` of the next page. */
  readonly next?: number;
  readonly first: boolean;
}

const kindTitles: Readonly<Record<string, string>> = {
  pull: 'Pull',
  collection: 'Garbage collection',
  scrub: 'Scrub',
  probe: 'Check',
  eviction: 'Eviction',
};

/** Keys that stand for the one thing of their kind. */
const things: Readonly<Record<string, string>> = { vault: 'the vault', locations: 'all locations' };

const stateTitles: Readonly<Record<string, string>> = {
  queued: 'Waits',
  running: 'Runs',
  retrying: 'Tried again',
  done: 'Done',
  failed: 'Failed',
  cancelled: 'Cancelled',
};

const filters = [
  [undefined, 'All'],
  ['active', 'Going on'],
  ['failed', 'Failed'],
  ['done', 'Done'],
  ['cancelled', 'Cancelled'],
] as const;

export const kindTitle = ({ kind, repairs }: Pick<JobView, 'kind' | 'repairs'>): string =>
  repairs ? 'Repair' : (kindTitles[kind] ?? kind);

export function JobState({ state }: { state: string }) {
  return <Badge tone={stateTones[state] ?? 'quiet'}>{stateTitles[state] ?? state}</Badge>;
}

/** What a job is about: an image by its title, or the thing itself. */
export function About({ kind, about, title }: Pick<JobView, 'kind' | 'about' | 'title'>) {
  return kind === 'pull' ? <a href={cachedPath(about)}>{title ?? about}</a> : <span>{things[about] ?? about}</span>;
}

/** As in `Pull of CentOS 5.5 base image`. */
export function jobTitle(job: Pick<JobView, 'kind' | 'about' | 'title' | 'repairs'>): string {
  return `${kindTitle(job)} of ${job.title ?? things[job.about] ?? job.about}`;
}

function Row({ job }: { job: JobView }) {
  return (
    <li data-job={job.id} data-job-state={job.state}>
      <a class="number" href={jobPath(job.id)} aria-label={`Job ${job.id}`}>
        {String(job.id)}
      </a>
      <JobState state={job.state} />
      <span class="task">
        <strong>{kindTitle(job)}</strong> of <About {...job} />
      </span>
      <span class="by">
        <Moment time={job.finished ?? job.started ?? job.created} />
      </span>
      {job.state === 'running' ? <Progress progress={progressOf(job)} label={`How far job ${job.id} is`} /> : undefined}
      {job.failure === undefined ? undefined : <p class="outcome">{withoutDigests(job.failure.message)}</p>}
    </li>
  );
}

function Filters({ state, kind }: Pick<JobsProps, 'state' | 'kind'>) {
  return (
    <nav class="pills" aria-label="State">
      {filters.map(([value, text]) => (
        <a
          key={text}
          href={jobsPath({ state: value, kind })}
          {...(value === state ? { 'aria-current': 'page' as const } : {})}
        >
          {text}
        </a>
      ))}
    </nav>
  );
}

function Nothing({ state, kind }: Pick<JobsProps, 'state' | 'kind'>) {
  return (
    <div class="empty">
      <p>
        {state === undefined && kind === undefined
          ? 'Nothing has been done in the background yet. A pull, a scrub or a collection of garbage is a job.'
          : 'No job fits.'}
      </p>
      <p>
        {state === undefined && kind === undefined ? <a href="/cache">Fetch an image</a> : <a href="/jobs">All jobs</a>}
      </p>
    </div>
  );
}

export function jobsPage({ site, operator, jobs, state, kind, next, first }: JobsProps): string {
  const chosen = { ...(state === undefined ? {} : { state }), ...(kind === undefined ? {} : { kind }) };
  return pageText(
    <Layout site={site} title="Jobs" section="cache" scripts={['live.js']}>
      <div class="top">
        <h1>Jobs</h1>
        <OperatorTabs operator={operator} current="jobs" />
        <Filters {...chosen} />
      </div>
      <section id="jobs" aria-label="Jobs" data-live {...(first ? { 'data-job-kind': kind ?? '*' } : {})}>
        {jobs.length === 0 ? (
          <Nothing {...chosen} />
        ) : (
          <ul class="panel rows jobs">
            {jobs.map((job) => (
              <Row key={job.id} job={job} />
            ))}
          </ul>
        )}
      </section>
      <nav class="pages" aria-label="Pages">
        {first ? undefined : <a href={jobsPath(chosen)}>Newest jobs</a>}
        {next === undefined ? undefined : (
          <a class="next" rel="next" href={jobsPath({ ...chosen, before: String(next) })}>
            Older jobs
          </a>
        )}
      </nav>
    </Layout>,
  );
}
