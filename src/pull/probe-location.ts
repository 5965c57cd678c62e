// Looks whether a location serves an image: by its headers, or by fetching and hashing all of it without keeping a byte.
import { type Agent } from 'undici';
import { decompress } from './decompress.ts';
import { type HashPool } from './hash-pool.ts';
import { askLocation } from './http-location.ts';
import { type PullLimits } from './limits.ts';
import { type ProbeLocation } from './location-health.ts';
import { provenStream } from './proven-stream.ts';
import { LocationFailure } from './reasons.ts';

export interface ProbeParts {
  readonly client: Agent;
  readonly pool: HashPool;
  readonly limits: PullLimits;
  readonly pace: (bytes: number, signal: AbortSignal) => Promise<void>;
}

async function* paced(
  pieces: AsyncIterable<Buffer>,
  pace: ProbeParts['pace'],
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  for await (const piece of pieces) {
    signal.throwIfAborted();
    await pace(piece.length, signal);
    yield piece;
  }
}

export function locationProbe({ client, pool, limits, pace }: ProbeParts): ProbeLocation {
  return async (metadata, location, method, signal) => {
    const { bytes, compression } = metadata;
    const from = { offset: 0, validator: undefined, ...(method === 'head' ? { method: 'HEAD' as const } : {}) };
    const answer = await askLocation(client, location, from, limits, signal);
    try {
      if (compression === undefined && answer.total !== undefined && answer.total !== bytes) {
        throw new LocationFailure('mismatch', `the file there is ${answer.total} bytes long, and ${bytes} were signed`);
      }
      if (method === 'head') return;
      const proven = provenStream(
        decompress(paced(answer.body.pieces, pace, signal), compression),
        metadata,
        pool,
        () => undefined,
      );
      for await (const _ of proven.pieces) signal.throwIfAborted();
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof LocationFailure) throw error;
      throw new LocationFailure('unreachable', error instanceof Error ? error.message : String(error), error);
    } finally {
      answer.body.destroy();
    }
  };
}
