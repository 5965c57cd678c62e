// The path behind /metadata: identifier, e-mail and date of endorsement are told apart by their form.
import { Fault } from '../../../errors/fault.ts';

export interface PathArguments {
  readonly identifier?: string;
  readonly email?: string;
  readonly created?: string;
}

const forms: readonly [keyof PathArguments, RegExp][] = [
  ['created', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/u],
  ['email', /^[^\s@]+@[^\s@]+$/u],
  ['identifier', /^[A-P][A-Za-z0-9_-]{26}$/u],
];

/** Throws `not-found` for a segment that has none of the three forms, or that says a thing again. */
export function readPathArguments(segments: readonly string[]): PathArguments {
  const found: { -readonly [Name in keyof PathArguments]: string } = {};
  // A slash at the end leaves an empty segment.
  for (const segment of segments.filter((one, index) => one !== '' || index < segments.length - 1)) {
    const [name] = forms.find(([, form]) => form.test(segment)) ?? [];
    if (name === undefined || found[name] !== undefined) {
      throw new Fault('not-found', `"${segment}" is no identifier of an image, e-mail address or date of endorsement`, {
        action: 'The path is /metadata/IDENTIFIER/EMAIL/CREATED, or a part of it.',
      });
    }
    found[name] = segment;
  }
  return found;
}
