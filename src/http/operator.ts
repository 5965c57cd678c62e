// Who may change disks: until there are accounts, whoever holds the operator token of this server.
import { createHash, timingSafeEqual } from 'node:crypto';
import { type RequestHandler } from 'express';
import { Fault } from '../errors/fault.ts';

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Tells whether a text is the token, in a time that does not say how much of it is right. */
export function operatorCheck(token: string): (given: string) => boolean {
  const expected = digest(token);
  return (given) => timingSafeEqual(digest(given), expected);
}

export const wrongToken = (): Fault => new Fault('unauthorized', 'the token is not the one of this server');

/** Lets a request pass that carries `Authorization: Bearer TOKEN` (RFC 6750 §2.1). Throws `unauthorized` otherwise. */
export function requireOperator(isToken: (given: string) => boolean): RequestHandler {
  return (request, response, next) => {
    const [scheme, given] = (request.get('authorization') ?? '').split(' ');
    if (scheme?.toLowerCase() === 'bearer' && given !== undefined && isToken(given)) {
      next();
      return;
    }
    response.set('WWW-Authenticate', 'Bearer realm="mintmark"');
    throw given === undefined ? new Fault('unauthorized', 'no token was sent') : wrongToken();
  };
}
