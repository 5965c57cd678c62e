// Repairs a stored image from the locations of its entries: first the entry that it was pulled for, then all that stand now.
import { type Logger } from 'pino';
import { Fault } from '../errors/fault.ts';
import { type ImageMetadata } from '../metadata/model.ts';
import { type PullProgress } from '../pull/progress.ts';
import { type Puller } from '../pull/puller.ts';
import { type Registry } from '../registry/registry.ts';
import { type ImagePointer } from '../vault/records.ts';

export interface RepairDeps {
  readonly registry: Pick<Registry, 'entry' | 'image'>;
  readonly puller: Pick<Puller, 'pull'>;
  readonly onProgress: (progress: PullProgress) => void;
  readonly log: Logger;
}

/** Whether the image is whole afterwards; why it is not goes to the log. */
export type RepairImage = (image: ImagePointer, signal?: AbortSignal) => Promise<boolean>;

export function imageRepair({ registry, puller, onProgress, log }: RepairDeps): RepairImage {
  /** No policy is asked: what is proven by the hashes of the disk is the disk that was admitted. */
  async function descriptionsOf({ identifier, verdict }: ImagePointer): Promise<readonly ImageMetadata[]> {
    const pulledFor = await registry.entry(verdict.entry).catch(() => undefined);
    const entries = [...(pulledFor === undefined ? [] : [pulledFor]), ...(await registry.image(identifier))];
    return entries.map(({ metadata }) => metadata);
  }

  return async (image, signal) => {
    const { identifier } = image;
    for (const metadata of await descriptionsOf(image)) {
      try {
        await puller.pull(metadata, { heal: true, onProgress, ...(signal === undefined ? {} : { signal }) });
        log.info({ identifier }, 'an image was repaired');
        return true;
      } catch (error) {
        signal?.throwIfAborted();
        if (!(error instanceof Fault)) throw error;
        log.warn({ err: error, identifier }, 'an image could not be repaired from its locations');
      }
    }
    return false;
  };
}
