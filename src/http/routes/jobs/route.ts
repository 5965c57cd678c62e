// /jobs: what the server does in the background, how far it is, why it failed; how to end it, and how to have it tried again.
import { Router, urlencoded, type RequestHandler } from 'express';
import { notFound, type Jobs } from '../../../jobs/jobs.ts';
import { activeStates } from '../../../jobs/model.ts';
import { wrongToken } from '../../operator.ts';
import { parseInput } from '../../parse.ts';
import { pageOf, presentJob } from './present.ts';
import { jobForm, jobNumber, jobQuery } from './schema.ts';

export interface JobRouteDeps {
  readonly jobs: Jobs;
  readonly operator: RequestHandler;
  readonly isOperator: (token: string) => boolean;
}

export function jobRoutes({ jobs, operator, isOperator }: JobRouteDeps): Router {
  const router = Router();

  router.post('/jobs/:id', urlencoded({ extended: false, limit: '4kb' }), async (request, response) => {
    const { id } = parseInput(jobNumber, request.params);
    const { token, action } = parseInput(jobForm, request.body ?? {});
    if (!isOperator(token)) throw wrongToken();
    const job = await (action === 'cancel' ? jobs.cancel(id) : jobs.retry(id));
    response.redirect(303, pageOf(job));
  });

  router.use('/jobs', operator);

  router.get('/jobs', async (request, response) => {
    const { state, limit, ...filter } = parseInput(jobQuery, request.query);
    const states = state?.flatMap((one) => (one === 'active' ? activeStates : [one]));
    const found = await jobs.list({ ...filter, states, limit });
    const last = found.length === limit ? found.at(-1) : undefined;
    response.json({ jobs: found.map(presentJob), ...(last === undefined ? {} : { next: last.id }) });
  });

  router.get('/jobs/:id', async (request, response) => {
    const { id } = parseInput(jobNumber, request.params);
    const job = await jobs.get(id);
    if (job === undefined) throw notFound(id);
    response.json(presentJob(job));
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
