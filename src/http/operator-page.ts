// Pages that only operators see, at the addresses where programs get JSON: who is not signed in is sent to sign in.
import { type Request, type RequestHandler, type Response } from 'express';
import { wantedMedia } from './media.ts';
import { type OperatorSession, type Sessions } from './sessions.ts';

type Answer = (request: Request, response: Response, session: OperatorSession) => Promise<string>;

/** Sends the page that `answer` returns where a browser asks for one; all else goes on to the next route. */
export function operatorPage(sessions: Sessions, answer: Answer): RequestHandler {
  return async (request, response, next) => {
    if (wantedMedia(request, ['json', 'html']) !== 'html') {
      next('route');
      return;
    }
    const session = sessions.of(request);
    response.set('Cache-Control', 'no-store');
    if (session === undefined) response.redirect(303, `/login?next=${encodeURIComponent(request.originalUrl)}`);
    else response.type('html').send(await answer(request, response, session));
  };
}
