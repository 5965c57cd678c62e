// Conditional requests: an answer that the client has already is not made again.
import { type Request, type Response } from 'express';

/**
 * Names what is about to be answered with a weak entity tag (RFC 9110 §8.8.3). Where the client has it already, answers 304
 * and returns true. Clients may keep the answer, and ask each time whether it still holds.
 */
export function unchanged(request: Request, response: Response, tag: string): boolean {
  response.set({ 'ETag': `W/"${tag}"`, 'Cache-Control': 'no-cache' }).vary('Accept');
  if (!request.fresh) return false;
  response.status(304).end();
  return true;
}
