// Why one location failed: the bytes were wrong, they could not be had, or the location changed while it was read.

/**
 * `mismatch`: it serves something else than what was signed. `unreachable`: it does not answer as it should. `changed`: its bytes
 * changed in the middle, so that they have to be read from the start. `slow`: it sends, and so little that it would never end.
 */
type Kind = 'mismatch' | 'unreachable' | 'changed' | 'slow';

export class LocationFailure extends Error {
  override readonly name = 'LocationFailure';
  readonly kind: Kind;

  constructor(kind: Kind, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.kind = kind;
  }
}

/** What is told of an attempt at one location. */
export interface Attempt {
  readonly location: string;
  readonly kind: Kind;
  readonly reason: string;
}

/** A sentence for an error that somebody else threw. */
export function describe(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(describe).join('; ');
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message} (${describe(error.cause)})`;
}
