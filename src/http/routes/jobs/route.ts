// /jobs: what the server does in the background, how far it is, why it failed; how to end it, and how to have it tried again.
import { Router, type RequestHandler } from 'express';
import { type z } from 'zod';
import { notFound, type Jobs } from '../../../jobs/jobs.ts';
import { activeStates, type Job } from '../../../jobs/model.ts';
import { jobPage } from '../../../pages/job.tsx';
import { jobsPage } from '../../../pages/jobs.tsx';
import { type SiteView } from '../../../pages/view.ts';
import { operatorPage } from '../../operator-page.ts';
import { wrongToken } from '../../operator.ts';
import { parseInput } from '../../parse.ts';
import { readForm, requireForm, type Sessions } from '../../sessions.ts';
import { pageAfter, presentJob, viewOfJob } from './present.ts';
import { jobForm, jobNumber, jobQuery } from './schema.ts';

export interface JobRouteDeps {
  readonly jobs: Jobs;
  /** What images are called. */
  readonly titles: (identifiers: readonly string[]) => Promise<ReadonlyMap<string, string>>;
  readonly site: SiteView;
  readonly sessions: Sessions;
  readonly operator: RequestHandler;
  readonly isOperator: (token: string) => boolean;
}

/** Jobs on one page. */
const pageLength = 50;

export function jobRoutes({ jobs, titles, site, sessions, operator, isOperator }: JobRouteDeps): Router {
  const router = Router();

  async function list({ state, limit, ...filter }: z.output<typeof jobQuery>) {
    const states = state?.flatMap((one) => (one === 'active' ? activeStates : [one]));
    const found = await jobs.list({ ...filter, states, limit });
    return { found, next: found.length === limit ? found.at(-1)?.id : undefined };
  }

  async function existing(id: number): Promise<Job> {
    const job = await jobs.get(id);
    if (job === undefined) throw notFound(id);
    return job;
  }

  router.post('/jobs/:id', readForm, async (request, response) => {
    const { id } = parseInput(jobNumber, request.params);
    const { token, form, action, back } = parseInput(jobForm, request.body ?? {});
    if (token !== undefined && !isOperator(token)) throw wrongToken();
    if (token === undefined) requireForm(sessions, request, form);
    const job = await (action === 'cancel' ? jobs.cancel(id) : jobs.retry(id));
    response.redirect(303, pageAfter(job, back));
  });

  router.get(
    '/jobs',
    operatorPage(sessions, async (request, _response, session) => {
      const { state, kind, before } = parseInput(jobQuery, request.query);
      const { found, next } = await list(parseInput(jobQuery, { ...request.query, limit: pageLength }));
      const known = await titles(found.map(({ key }) => key));
      return jobsPage({
        site,
        operator: session,
        jobs: found.map((job) => viewOfJob(job, known)),
        ...(state === undefined ? {} : { state: state.join(',') }),
        ...(kind === undefined ? {} : { kind }),
        ...(next === undefined ? {} : { next }),
        first: before === undefined,
      });
    }),
  );

  router.get(
    '/jobs/:id',
    operatorPage(sessions, async (request, _response, session) => {
      const job = await existing(parseInput(jobNumber, request.params).id);
      return jobPage({ site, operator: session, job: viewOfJob(job, await titles([job.key])) });
    }),
  );

  router.use('/jobs', operator);

  router.get('/jobs', async (request, response) => {
    const { found, next } = await list(parseInput(jobQuery, request.query));
    response.json({ jobs: found.map(presentJob), ...(next === undefined ? {} : { next }) });
  });

  router.get('/jobs/:id', async (request, response) => {
    const { id } = parseInput(jobNumber, request.params);
    response.json(presentJob(await existing(id)));
  });

  router.delete('/jobs/:id', async (request, response) => {
    const { id } = parseInput(jobNumber, request.params);
    response.json(presentJob(await jobs.cancel(id)));
  });

  router.post('/jobs/:id/retries', async (request, response) => {
    const { id } = parseInput(jobNumber, request.params);
    const job = await jobs.retry(id);
    response.status(202).location(`/jobs/${job.id}`).json(presentJob(job));
  });

  return router;
}
