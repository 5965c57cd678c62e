// /jobs: what the server does in the background, how far it is, why it failed; and how to end it.
import { Router, type RequestHandler } from 'express';
import { notFound, type Jobs } from '../../../jobs/jobs.ts';
import { activeStates } from '../../../jobs/model.ts';
import { parseInput } from '../../parse.ts';
import { presentJob } from './present.ts';
import { jobNumber, jobQuery } from './schema.ts';

export interface JobRouteDeps {
  readonly jobs: Jobs;
  readonly operator: RequestHandler;
}

export function jobRoutes({ jobs, operator }: JobRouteDeps): Router {
  const router = Router();
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

  return router;
}
