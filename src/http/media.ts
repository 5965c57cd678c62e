// One URL, several representations: HTML for people, JSON and XML for programs, by ?media= or the Accept header.
import { type Request } from 'express';
import { Fault } from '../errors/fault.ts';

export type Media = 'html' | 'json' | 'xml';

const types: Readonly<Record<Media, readonly string[]>> = {
  html: ['text/html'],
  json: ['application/json'],
  xml: ['application/xml', 'text/xml', 'application/rdf+xml'],
};

/**
 * The representation that the request wants, of those on offer; the first on offer where it takes anything. A request
 * without an Accept header wants XML: the clients of StratusLab's time send none (decision 510).
 */
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
  const unsaid = request.get('accept') === undefined ? offered.find((media) => media === 'xml') : undefined;
  if (unsaid !== undefined) return unsaid;
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

/** The type of a signed document for this request: RDF where that is what it asks for, else plain XML. */
export function documentType(request: Request): string {
  const best = request.get('accept') === undefined ? undefined : request.accepts([...types.xml]);
  return best === 'application/rdf+xml' ? best : 'application/xml';
}

/** How the request wants to be told of a failure: JSON, unless it asks for a page or for XML before that. */
export function problemMedia(request: Request): Media {
  if (/application\/problem\+json/iu.test(request.get('accept') ?? '')) return 'json';
  const { media: asked } = request.query;
  if (asked === 'json' || asked === 'html' || asked === 'xml') return asked;
  const best = request.accepts([...types.json, ...types.html, ...types.xml]);
  if (best === 'text/html') return 'html';
  return best === false || best === 'application/json' ? 'json' : 'xml';
}
