// /volumes and /snapshots: make, list, change and delete disks. The operator's token is needed for all of it.
import { Router, json, type RequestHandler } from 'express';
import { type Delivery } from '../../../delivery/delivery.ts';
import { type Volumes } from '../../../volumes/volumes.ts';
import { parseInput } from '../../parse.ts';
import { newSnapshotBody, newVolumeBody, volumeChange, volumeFilter } from './schema.ts';

export interface VolumeRouteDeps {
  readonly volumes: Volumes;
  readonly delivery: Delivery;
  readonly operator: RequestHandler;
  /** Tells those who use the disk that it has grown. */
  readonly resized: (uuid: string) => void;
}

export function volumeRoutes({ volumes, delivery, operator, resized }: VolumeRouteDeps): Router {
  const router = Router();
  router.use(['/volumes', '/snapshots'], operator, json());

  router.get('/volumes', (request, response) => {
    const filter = Object.entries(parseInput(volumeFilter, request.query)).filter(([, value]) => value !== undefined);
    response.json({ volumes: volumes.list(Object.fromEntries(filter)) });
  });

  router.post('/volumes', async (request, response) => {
    const volume = await delivery.createVolume(parseInput(newVolumeBody, request.body));
    response.status(201).location(`/volumes/${volume.uuid}`).json(volume);
  });

  router.get('/volumes/:uuid', (request, response) => {
    response.json(volumes.show(request.params.uuid));
  });

  router.patch('/volumes/:uuid', async (request, response) => {
    const change = parseInput(volumeChange, request.body);
    const { uuid } = request.params;
    if (!('size' in change)) {
      response.json(await volumes.relabel(uuid, { tag: change.tag }));
      return;
    }
    const volume = await volumes.resize(uuid, change.size);
    resized(uuid);
    response.json(volume);
  });

  router.delete('/volumes/:uuid', async (request, response) => {
    await volumes.delete(request.params.uuid, { withSnapshots: request.query['snapshots'] === 'true' });
    response.status(204).end();
  });

  router.post('/volumes/:uuid/snapshots', async (request, response) => {
    const { tag } = parseInput(newSnapshotBody, request.body ?? {});
    const snapshot = await volumes.snapshot(request.params.uuid, tag === undefined ? {} : { tag });
    response.status(201).location(`/snapshots/${snapshot.uuid}`).json(snapshot);
  });

  router.get('/snapshots', (_request, response) => {
    response.json({ snapshots: volumes.list().flatMap(({ snapshots }) => snapshots) });
  });

  router.get('/snapshots/:uuid', (request, response) => {
    response.json(volumes.showSnapshot(request.params.uuid));
  });

  router.delete('/snapshots/:uuid', async (request, response) => {
    await volumes.deleteSnapshot(request.params.uuid);
    response.status(204).end();
  });

  return router;
}
