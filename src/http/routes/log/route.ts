// /log: the tamper-evident history of decisions, as transparency logs publish it (C2SP tlog-tiles), with proofs in JSON.
import { Router, type RequestHandler } from 'express';
import { Fault } from '../../../errors/fault.ts';
import { type LogEntry, type RegistryLog } from '../../../registry/log/log.ts';
import { wantedMedia } from '../../media.ts';
import { parseInput } from '../../parse.ts';
import { consistencyQuery, inclusionQuery, logQuery } from './schema.ts';

/** A full tile never changes; a partial one is replaced by the next. */
const unchanging = 'public, max-age=31536000, immutable';

export interface LogPages {
  log(view: {
    readonly verifier: string;
    readonly checkpoint: string;
    /** Newest first. */
    readonly decisions: readonly LogEntry[];
  }): string;
}

export function logRoutes(log: RegistryLog, operator: RequestHandler, pages: LogPages): Router {
  const router = Router();

  router.get('/log', async (request, response) => {
    const media = wantedMedia(request, ['json', 'html']);
    const { limit, before } = parseInput(logQuery, request.query);
    const { verifier } = log;
    const decisions = await log.newest(limit, before);
    if (media === 'json') response.json({ verifier, entries: decisions });
    else response.type('html').send(pages.log({ verifier, checkpoint: await log.checkpoint(), decisions }));
  });

  router.get('/log/audit', operator, async (request, response) => {
    const { limit, before } = parseInput(logQuery, request.query);
    response.json({ entries: await log.audit(limit, before) });
  });

  router.get('/log/verifier', (_request, response) => {
    response.type('text/plain').send(`${log.verifier}\n`);
  });

  router.get('/log/checkpoint', async (_request, response) => {
    response
      .type('text/plain')
      .set('Cache-Control', 'no-cache')
      .send(await log.checkpoint());
  });

  router.get('/log/tile/*rest', async (request, response) => {
    const bytes = await log.tile(`tile/${request.params.rest.join('/')}`);
    if (bytes === undefined) throw new Fault('not-found', `the log has no tile at ${request.path}`);
    response.type('application/octet-stream').set('Cache-Control', unchanging).send(bytes);
  });

  router.get('/log/proof/inclusion', async (request, response) => {
    const { seq: leaf, size } = parseInput(inclusionQuery, request.query);
    response.json(await log.inclusion(leaf, size));
  });

  router.get('/log/proof/consistency', async (request, response) => {
    const { from, size } = parseInput(consistencyQuery, request.query);
    response.json(await log.consistency(from, size));
  });

  return router;
}
