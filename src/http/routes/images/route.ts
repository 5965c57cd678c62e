// /images/{identifier}: one image with all who endorse it now, and what this site thinks of it.
import { Router } from 'express';
import { Fault } from '../../../errors/fault.ts';
import { type RegistryEntry } from '../../../registry/entry.ts';
import { type Registry } from '../../../registry/registry.ts';
import { wantedMedia } from '../../media.ts';
import { presentEntry } from '../metadata/present.ts';

export interface ImageRouteDeps {
  readonly registry: Registry;
  /** Whether the policy admits an entry. */
  readonly admits: (entry: RegistryEntry) => boolean;
  /** What the cache holds of an image. */
  readonly cached: (identifier: string) => Promise<Readonly<Record<string, unknown>> | undefined>;
}

export function imageRoutes({ registry, admits, cached }: ImageRouteDeps): Router {
  const router = Router();

  router.get('/images/:identifier', async (request, response) => {
    wantedMedia(request, ['json']);
    const { identifier } = request.params;
    const entries = await registry.image(identifier);
    if (entries.length === 0) {
      throw new Fault('registry.no-entry', `nobody endorses an image ${identifier} here`, {
        action: 'Look for it with GET /metadata, or "mintmark image search".',
      });
    }
    response.json({
      identifier,
      endorsements: entries.map((entry) => ({ ...presentEntry(entry), admitted: admits(entry) })),
      cache: (await cached(identifier)) ?? null,
    });
  });

  return router;
}
