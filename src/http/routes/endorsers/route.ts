// /endorsers: who endorses what, since when, with which certificate.
import { Router } from 'express';
import { endorserQuerySchema, type EndorserDetails, type EndorserList } from '../../../registry/endorsers.ts';
import { type Registry } from '../../../registry/registry.ts';
import { wantedMedia } from '../../media.ts';
import { parseInput } from '../../parse.ts';

export interface EndorserPages {
  endorsers(list: EndorserList, first: boolean): string;
  endorser(endorser: EndorserDetails): Promise<string>;
}

export function endorserRoutes(registry: Registry, pages: EndorserPages): Router {
  const router = Router();

  router.get('/endorsers', async (request, response) => {
    const media = wantedMedia(request, ['json', 'html']);
    const query = parseInput(endorserQuerySchema, request.query);
    const list = await registry.endorsers(query);
    if (media === 'html') response.type('html').send(pages.endorsers(list, query.after === undefined));
    else response.json(list);
  });

  router.get('/endorsers/:email', async (request, response) => {
    const media = wantedMedia(request, ['json', 'html']);
    const endorser = await registry.endorser(request.params.email);
    if (media === 'html') response.type('html').send(await pages.endorser(endorser));
    else response.json(endorser);
  });

  router.get('/endorsers/:email/tags', async (request, response) => {
    const { tags } = await registry.endorser(request.params.email);
    response.json({ tags });
  });

  return router;
}
