// /images/{identifier}: one image with all who endorse it now, and what this site thinks of it.
import { json, Router, type RequestHandler } from 'express';
import { type LocationBook, type LocationHealth } from '../../../pull/location-health.ts';
import { parseInput } from '../../parse.ts';
import { probeBody } from './schema.ts';
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
  /** What is known of the locations. */
  readonly book: LocationBook;
  readonly operator: RequestHandler;
}

export function imageRoutes({ registry, admits, cached, book, operator }: ImageRouteDeps): Router {
  const router = Router();

  async function entriesOf(identifier: string): Promise<readonly RegistryEntry[]> {
    const entries = await registry.image(identifier);
    if (entries.length > 0) return entries;
    throw new Fault('registry.no-entry', `nobody endorses an image ${identifier} here`, {
      action: 'Look for it with GET /metadata, or "mintmark image search".',
    });
  }

  router.get('/images/:identifier', async (request, response) => {
    wantedMedia(request, ['json']);
    const { identifier } = request.params;
    const entries = await entriesOf(identifier);
    response.json({
      identifier,
      endorsements: entries.map((entry) => ({ ...presentEntry(entry), admitted: admits(entry) })),
      locations: byLocation(await Promise.all(entries.map(({ metadata }) => book.read(metadata)))),
      cache: (await cached(identifier)) ?? null,
    });
  });

  router.post('/images/:identifier/probes', operator, json(), async (request, response) => {
    if (request.is('json') === false) throw new Fault('media-type', 'the body is not application/json');
    const { full } = parseInput(probeBody, request.body ?? {});
    const left = new AbortController();
    response.on('close', () => left.abort(new Fault('cancelled', 'Nobody waits for this any more.')));
    const answers: (readonly LocationHealth[])[] = [];
    for (const { metadata } of await entriesOf(String(request.params['identifier'])))
      answers.push(await book.probe(metadata, full ? 'full' : 'head', left.signal));
    response.json({ locations: byLocation(answers) });
  });

  return router;
}

/** Several entries may name one location. */
const byLocation = (answers: readonly (readonly LocationHealth[])[]): readonly LocationHealth[] => [
  ...new Map(answers.flat().map((health) => [health.location, health])).values(),
];
