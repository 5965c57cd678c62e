// One URL, several representations: HTML for people, JSON and XML for programs, by ?media= or the Accept header.
import { type Request } from 'express';
import { Fault } from '../errors/fault.ts';

export type Media = 'html' | 'json' | 'xml';

const types: Readonly<Record<Media, readonly string[]>> = {
  html: ['text/html'],
  json: ['application/json'],
  xml: ['application/xml', 'text/xml'],
};

/** The representation that the request wants, of those on offer; the first on offer where it does not care. */
export function wantedMedia<Offered extends Media>(
  request: Request,
  offered: readonly [Offered, ...Offered[]],
): Offered {
  const asked = request.query['media'];
  if (asked !== undefined) {
    const found = offered.find((media) => media === asked);
    if (found !== undefined) return found;
    throw new Fault('not-acceptable', `media=${JSON.stringify(asked)} is not to be had here`, {
      action: `Ask for ${offered.join(', ')}.`,
    });
  }
  const byType = new Map(offered.flatMap((media) => types[media].map((type) => [type, media] as const)));
  const best = request.accepts([...byType.keys()]);
  const media = best === false ? undefined : byType.get(best);
  if (media === undefined) {
    throw new Fault('not-acceptable', `none of "${request.get('accept') ?? ''}" is to be had here`, {
      action: `Ask for ${[...byType.keys()].join(', ')}.`,
    });
  }
  return media;
}
