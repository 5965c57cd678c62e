// Who may change disks: until there are accounts, whoever holds the operator token of this server.
import { createHash, timingSafeEqual } from 'node:crypto';
import { type RequestHandler } from 'express';
import { Fault } from '../errors/fault.ts';

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Lets a request pass that carries `Authorization: Bearer TOKEN` (RFC 6750 §2.1). Throws `unauthorized` otherwise. */
export function requireOperator(token: string): RequestHandler {
  const expected = digest(token);
  return (request, response, next) => {
    const [scheme, given] = (request.get('authorization') ?? '').split(' ');
    if (scheme?.toLowerCase() === 'bearer' && given !== undefined && timingSafeEqual(digest(given), expected)) {
      next();
      return;
    }
    response.set('WWW-Authenticate', 'Bearer realm="mintmark"');
    throw new Fault(
      'unauthorized',
      given === undefined ? 'no token was sent' : 'the token is not the one of this server',
    );
  };
}
