// The bytes of one location, from what is there already and then from the web, taken up again where the connection breaks.
import { setTimeout as wait } from 'node:timers/promises';
import { type Agent } from 'undici';
import { Fault } from '../errors/fault.ts';
import { askLocation, type Answer, type Validator } from './http-location.ts';
import { type PullLimits } from './limits.ts';
import { type Part } from './part.ts';
import { describe, LocationFailure } from './reasons.ts';

export interface Download {
  readonly client: Agent;
  readonly location: string;
  /** Where the bytes are kept meanwhile. */
  readonly part: Part;
  /** More than this is never fetched. */
  readonly maxBytes: number;
  /** The length that the file must have, where that is known beforehand. */
  readonly exactBytes: number | undefined;
  readonly limits: PullLimits;
  readonly signal: AbortSignal;
  /** Told before a piece is handed on; it may hold the piece back. */
  readonly pace: (bytes: number) => Promise<void>;
  readonly onState: (state: DownloadState) => void;
}

export interface DownloadState {
  readonly fetchedBytes: number;
  readonly totalBytes: number | undefined;
  /** Bytes that were there when it began. */
  readonly resumedBytes: number;
  readonly url: string | undefined;
}

const changed = (): LocationFailure => new LocationFailure('changed', 'its bytes changed while they were fetched');

/** `pull.no-room` where the disk is full. */
export function roomFault(error: unknown): unknown {
  const full = error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT');
  return full ? new Fault('pull.no-room', 'The folder for pulls has no room left.', { cause: error }) : error;
}

/** Ends without an error only where everything was fetched. Throws a {@link LocationFailure}, or `pull.no-room`. */
export async function* download(job: Download): AsyncGenerator<Buffer> {
  const { location, part, limits, signal } = job;
  const resumedBytes = part.bytes;
  const earlier = resumedBytes > 0 ? part.earlier : undefined;
  let validator = earlier?.validator;
  let total = earlier?.total;
  let url: string | undefined;
  let failures = 0;
  let answered = false;
  const tell = (): void => job.onState({ fetchedBytes: part.bytes, totalBytes: total, resumedBytes, url });

  /** Learns from an answer what it says of the file, and tells how many of its first bytes are known already. */
  async function accept(answer: Answer): Promise<number> {
    const known = part.bytes - answer.offset;
    if (part.bytes > 0) {
      const same = validator === undefined ? answer.offset > 0 : answer.validator?.value === validator.value;
      if (!same || (total !== undefined && answer.total !== undefined && answer.total !== total)) throw changed();
    }
    url = answer.url;
    total ??= answer.total;
    validator ??= answer.validator;
    if (part.bytes === 0) await rememberState(part, location, validator, total);
    checkTotal(total, job);
    return known;
  }

  if (resumedBytes > 0) {
    checkTotal(total, job);
    for await (const piece of part.read()) {
      signal.throwIfAborted();
      yield piece;
    }
  }
  tell();
  while (total === undefined || part.bytes < total) {
    const before = part.bytes;
    try {
      const answer = await askLocation(job.client, location, { offset: part.bytes, validator }, limits, signal);
      try {
        let skip = await accept(answer);
        answered = true;
        for await (const whole of fastEnough(answer.body.pieces, limits)) {
          const piece = whole.subarray(Math.min(skip, whole.length));
          skip -= whole.length - piece.length;
          if (piece.length === 0) continue;
          await keep(part, piece, job.maxBytes);
          tell();
          await job.pace(piece.length);
          yield piece;
        }
      } finally {
        answer.body.destroy();
      }
      if (total === undefined) break;
      if (part.bytes < total) throw new LocationFailure('unreachable', 'the connection ended before the file did');
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof Fault || (error instanceof LocationFailure && error.kind !== 'unreachable')) throw error;
      failures = part.bytes > before ? 1 : failures + 1;
      const lost =
        error instanceof LocationFailure ? error : new LocationFailure('unreachable', describe(error), error);
      // A location that never answered is left for the next one at once.
      if (!answered || failures > limits.retries) throw lost;
      await wait(limits.retryWait * 2 ** (failures - 1), undefined, { signal });
    }
  }
  await part.end().catch((error: unknown) => Promise.reject(roomFault(error)));
}

/** Passes the pieces on as long as enough of them come. Throws a {@link LocationFailure}. */
async function* fastEnough(pieces: AsyncIterable<Buffer>, { leastRate, slowTime }: PullLimits): AsyncGenerator<Buffer> {
  let waited = 0;
  let bytes = 0;
  let since = performance.now();
  for await (const piece of pieces) {
    waited += performance.now() - since;
    bytes += piece.length;
    if (waited >= slowTime) {
      const rate = Math.round((bytes * 1000) / waited);
      if (rate < leastRate) throw new LocationFailure('slow', `it sends no more than ${rate} bytes per second`);
      waited = 0;
      bytes = 0;
    }
    yield piece;
    since = performance.now();
  }
}

function checkTotal(total: number | undefined, { exactBytes, maxBytes }: Download): void {
  if (total === undefined) return;
  if (exactBytes !== undefined && total !== exactBytes) {
    throw new LocationFailure('mismatch', `the file there is ${total} bytes long, and ${exactBytes} were signed`);
  }
  if (total > maxBytes) throw tooLong();
}

const tooLong = (): LocationFailure => new LocationFailure('mismatch', 'the file there is longer than what was signed');

async function keep(part: Part, piece: Buffer, maxBytes: number): Promise<void> {
  if (part.bytes + piece.length > maxBytes) throw tooLong();
  await part.append(piece).catch((error: unknown) => Promise.reject(roomFault(error)));
}

async function rememberState(
  part: Part,
  location: string,
  validator: Validator | undefined,
  total: number | undefined,
): Promise<void> {
  const state = {
    location,
    ...(validator === undefined ? {} : { validator }),
    ...(total === undefined ? {} : { total }),
  };
  await part.note(state).catch((error: unknown) => Promise.reject(roomFault(error)));
}
