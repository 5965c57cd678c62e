// Operators who signed in with a browser: a cookie that this server signed, and a sign for its forms that no other site can know.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { urlencoded, type CookieOptions, type Request, type RequestHandler, type Response } from 'express';
import { Fault } from '../errors/fault.ts';

const cookieName = 'mintmark-operator';

/** How long a session lasts, in ms. */
const sessionLength = 12 * 60 * 60 * 1000;

export interface OperatorSession {
  /** What each form of the session's pages carries (CSRF token). */
  readonly formToken: string;
}

export interface Sessions {
  /** Signs in. */
  begin(request: Request, response: Response): void;
  /** Signs out: the browser forgets the cookie. */
  end(request: Request, response: Response): void;
  /** The session that the request comes from; undefined where there is none, or it is over. */
  of(request: Request): OperatorSession | undefined;
}

export interface SessionParts {
  /** The operator token: a session ends when it is another. */
  readonly token: string;
  readonly now: () => Date;
  readonly randomness: (bytes: number) => Buffer;
}

function same(a: string, b: string): boolean {
  const [one, other] = [Buffer.from(a), Buffer.from(b)];
  return one.length === other.length && timingSafeEqual(one, other);
}

function cookieOf(request: Request): string | undefined {
  const start = `${cookieName}=`;
  const pairs = (request.get('cookie') ?? '').split(/;\s*/u);
  return pairs.find((pair) => pair.startsWith(start))?.slice(start.length);
}

/** Out of reach of scripts, and sent by pages of this site only. */
const options = ({ secure }: Request): CookieOptions => ({ httpOnly: true, sameSite: 'strict', secure, path: '/' });

/** Nothing is kept: the cookie says until when it counts, and is signed (RFC 2104, HMAC-SHA-256) with a key that only this server has. */
export function createSessions({ token, now, randomness }: SessionParts): Sessions {
  const sign = (text: string): string => createHmac('sha256', token).update(text).digest('base64url');
  function isAlive(cookie: string): boolean {
    const [until = '', nonce = '', mac = ''] = cookie.split('.');
    return same(mac, sign(`session ${until} ${nonce}`)) && Number(until) > now().getTime();
  }

  return {
    begin(request, response) {
      const until = now().getTime() + sessionLength;
      const nonce = randomness(16).toString('base64url');
      const cookie = `${until}.${nonce}.${sign(`session ${until} ${nonce}`)}`;
      response.cookie(cookieName, cookie, { ...options(request), maxAge: sessionLength });
    },
    end(request, response) {
      response.clearCookie(cookieName, options(request));
    },
    of(request) {
      const cookie = cookieOf(request);
      return cookie === undefined || !isAlive(cookie) ? undefined : { formToken: sign(`form ${cookie}`) };
    },
  };
}

/** Reads what a form sends. */
export const readForm: RequestHandler = urlencoded({ extended: false, limit: '64kb' });

/** Lets a form pass that came from a page of the session that sends it. Throws `unauthorized`. */
export function requireForm(sessions: Sessions, request: Request, given: string | undefined): OperatorSession {
  const session = sessions.of(request);
  if (session !== undefined && given !== undefined && same(session.formToken, given)) return session;
  throw new Fault('unauthorized', 'nobody is signed in, or the form is of another session', {
    action: 'Sign in at /login, and send the form of a page again.',
  });
}
