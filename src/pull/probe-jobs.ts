// The scheduled look at the locations of all current entries, as a job: one at a time over all processes.
import { backOff } from '../jobs/back-off.ts';
import { type JobKind } from '../jobs/model.ts';
import { type ImageMetadata } from '../metadata/model.ts';
import { type LocationBook } from './location-health.ts';

export const probeKindName = 'probe';
/** There is one such job: all entries. */
export const probeKey = 'locations';

export function probeKind(parts: {
  readonly book: LocationBook;
  /** The metadata of every entry that stands now. */
  readonly entries: () => AsyncIterable<ImageMetadata>;
}): JobKind {
  return {
    name: probeKindName,
    concurrency: 1,
    parse: () => undefined,
    retryAfter: (_failure, failures) => backOff({ first: 60_000, longest: 60 * 60_000, attempts: 3 }, failures),
    async run({ signal, progress }) {
      let entries = 0;
      let locations = 0;
      let bad = 0;
      for await (const metadata of parts.entries()) {
        const answers = await parts.book.probe(metadata, 'head', signal);
        entries += 1;
        locations += answers.length;
        bad += answers.filter(({ state }) => state !== 'good').length;
        progress({ entries, locations, bad });
      }
      return { entries, locations, bad };
    },
  };
}
