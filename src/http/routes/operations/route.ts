// What those who run the server look at: is it alive, is it ready, what happens now.
import { Router } from 'express';
import { type EventBoard } from '../../events.ts';

export interface OperationsDeps {
  readonly events: EventBoard;
  /** Resolves where the database and the disks answer; rejects with the reason. */
  readonly ready: () => Promise<void>;
}

export function operationRoutes({ events, ready }: OperationsDeps): Router {
  const router = Router();

  router.get('/healthz', (_request, response) => {
    response.json({ status: 'alive' });
  });

  router.get('/readyz', async (_request, response) => {
    await ready();
    response.json({ status: 'ready' });
  });

  router.get('/events', (request, response) => {
    events.listen(request, response);
  });

  return router;
}
