// Whether the locations of images still serve them: asked now and then, and kept in the vault for all nodes to show.
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { type ImageMetadata } from '../metadata/model.ts';
import { openRecord, sealRecord } from '../vault/sealed-record.ts';
import { type Vault } from '../vault/vault.ts';
import { LocationFailure } from './reasons.ts';
import { isWeb } from './served-image.ts';

const healthRecord = z.object({
  format: z.literal('mintmark-location'),
  version: z.literal(1),
  location: z.string(),
  /** `wrong`: it serves something, and not this image. */
  state: z.enum(['good', 'wrong', 'unreachable']),
  /** Why it is not good. */
  reason: z.string().optional(),
  /** `head`: it was asked for the length; `full`: every byte was fetched and hashed. */
  method: z.enum(['head', 'full']),
  /** ISO 8601: when it was asked, and since when it answers so. */
  checked: z.string(),
  since: z.string(),
});

export type LocationHealth = Readonly<Omit<z.output<typeof healthRecord>, 'format' | 'version'>>;

const keyOf = (identifier: string, location: string): string =>
  `locations/${identifier}/${createHash('sha256').update(location).digest('hex').slice(0, 32)}`;

export interface LocationBook {
  /** What is known of the locations of an image; those that were never asked are left out. */
  read(metadata: Pick<ImageMetadata, 'identifier' | 'locations'>): Promise<readonly LocationHealth[]>;
  /** Asks every web location of an image now. */
  probe(
    metadata: ImageMetadata,
    method: LocationHealth['method'],
    signal: AbortSignal,
  ): Promise<readonly LocationHealth[]>;
}

/** Looks at one location. Throws a {@link LocationFailure} where it is not good. */
export type ProbeLocation = (
  metadata: ImageMetadata,
  location: string,
  method: LocationHealth['method'],
  signal: AbortSignal,
) => Promise<void>;

export function createLocationBook({ store, now }: Pick<Vault, 'store' | 'now'>, look: ProbeLocation): LocationBook {
  async function known(identifier: string, location: string): Promise<LocationHealth | undefined> {
    const key = keyOf(identifier, location);
    const bytes = await store.get(key);
    if (bytes === undefined) return undefined;
    const { format: _, version: __, ...health } = openRecord(bytes, healthRecord, key);
    return health;
  }

  async function probeOne(
    metadata: ImageMetadata,
    location: string,
    method: LocationHealth['method'],
    signal: AbortSignal,
  ): Promise<LocationHealth> {
    const before = await known(metadata.identifier, location);
    let failure: LocationFailure | undefined;
    try {
      await look(metadata, location, method, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof LocationFailure)) throw error;
      failure = error;
    }
    const state = failure === undefined ? 'good' : failure.kind === 'mismatch' ? 'wrong' : 'unreachable';
    const checked = now().toISOString();
    const since = before?.state === state ? before.since : checked;
    const reason = failure === undefined ? {} : { reason: failure.message };
    const health: LocationHealth = { location, state, ...reason, method, checked, since };
    await store.put(keyOf(metadata.identifier, location), [
      sealRecord({ format: 'mintmark-location', version: 1, ...health }),
    ]);
    return health;
  }

  return {
    async read({ identifier, locations }) {
      const found = await Promise.all(locations.map((location) => known(identifier, location)));
      return found.flatMap((health) => health ?? []);
    },
    async probe(metadata, method, signal) {
      const answers: LocationHealth[] = [];
      for (const location of metadata.locations.filter(isWeb))
        answers.push(await probeOne(metadata, location, method, signal));
      return answers;
    },
  };
}
