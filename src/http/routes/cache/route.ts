// /cache: which images are here, proven, and which are on their way.
import { Router, type RequestHandler } from 'express';
import { type Delivery } from '../../../delivery/delivery.ts';
import { Fault } from '../../../errors/fault.ts';
import { type Puller } from '../../../pull/puller.ts';
import { type Vault } from '../../../vault/vault.ts';

export interface CacheRouteDeps {
  readonly vault: Vault;
  readonly puller: Puller;
  readonly delivery: Delivery;
  readonly operator: RequestHandler;
}

export function cacheRoutes({ vault, puller, delivery, operator }: CacheRouteDeps): Router {
  const router = Router();
  router.use('/cache', operator);

  router.get('/cache', async (_request, response) => {
    response.json({ images: await vault.listImages(), pulls: puller.running() });
  });

  router.get('/cache/:identifier', async (request, response) => {
    const { identifier } = request.params;
    const image = await vault.image(identifier);
    const pull = puller.running().find((one) => one.identifier === identifier);
    const failure = puller.failure(identifier);
    if (image === undefined && pull === undefined && failure === undefined) {
      throw new Fault('not-found', `the image ${identifier} is not in the cache`, {
        action: 'Pull it with POST /cache/IDENTIFIER, or "mintmark image pull".',
      });
    }
    response.json({ identifier, image: image ?? null, pull: pull ?? null, failure: failure ?? null });
  });

  router.post('/cache/:identifier', async (request, response) => {
    const { identifier } = request.params;
    await delivery.pullImage(identifier);
    response.json({ identifier, image: (await vault.image(identifier)) ?? null });
  });

  return router;
}
