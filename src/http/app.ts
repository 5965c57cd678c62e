// The Express application: what every request goes through, the routes, and the one place where failures are answered.
import express, { type ErrorRequestHandler, type Express, type Router } from 'express';
import helmet from 'helmet';
import { type Logger } from 'pino';
import { Fault } from '../errors/fault.ts';
import { problemMedia } from './media.ts';
import { problemOf, problemXml, type Problem } from './problems.ts';

export interface AppDeps {
  readonly routes: readonly Router[];
  readonly staticFolder: string;
  readonly errorPage: (problem: Problem) => string;
  /** Networks of the proxies that say whose a request is. */
  readonly trustedProxies: readonly string[];
  readonly log: Logger;
}

export function createApp({ routes, staticFolder, errorPage, trustedProxies, log }: AppDeps): Express {
  const app = express();
  app.disable('x-powered-by');
  app.set('query parser', 'simple');
  app.set('trust proxy', [...trustedProxies]);
  app.use(
    helmet({
      contentSecurityPolicy: {
        useDefaults: false,
        directives: {
          defaultSrc: ["'none'"],
          scriptSrc: ["'self'"],
          styleSrc: ["'self'"],
          imgSrc: ["'self'"],
          connectSrc: ["'self'"],
          formAction: ["'self'"],
          baseUri: ["'none'"],
          frameAncestors: ["'none'"],
        },
      },
      strictTransportSecurity: false,
    }),
  );
  app.use((request, response, next) => {
    const begun = process.hrtime.bigint();
    response.on('finish', () => {
      const milliseconds = Number(process.hrtime.bigint() - begun) / 1e6;
      log.debug({ method: request.method, path: request.path, status: response.statusCode, milliseconds }, 'request');
    });
    next();
  });
  app.use((request, _response, next) => {
    // No name here holds one, and PostgreSQL takes none.
    if (/%00/u.test(request.path)) throw new Fault('not-found', 'there is nothing under a name with a zero byte');
    next();
  });
  app.use((request, _response, next) => {
    request.url = withoutOldPrefix(request.url);
    next();
  });
  app.use('/static', express.static(staticFolder, { index: false, maxAge: '1h' }));
  app.get('/', (_request, response) => response.redirect(302, '/metadata'));
  for (const router of routes) app.use(router);
  app.use((request) => {
    throw new Fault('not-found', `there is nothing at ${request.path}`);
  });
  app.use(answerFailure(errorPage, log));
  return app;
}

/**
 * StratusLab's clients put a slash too many behind the address of a server that ends with one, and its lists are asked for
 * below /marketplace (decision 510).
 */
function withoutOldPrefix(url: string): string {
  if (!url.startsWith('/')) return url;
  const [path = '', ...query] = url.split('?');
  const plain = path.replaceAll(/\/{2,}/gu, '/').replace(/^\/marketplace(?=\/)/u, '');
  return [plain, ...query].join('?');
}

/** People get a page, programs a problem document (RFC 9457). */
function answerFailure(errorPage: (problem: Problem) => string, log: Logger): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    const problem = problemOf(error);
    const { method, path } = request;
    if (problem.code === 'internal') log.error({ err: error, method, path }, 'a request failed unexpectedly');
    else log.info({ method, path, code: problem.code, status: problem.status }, problem.detail);
    if (response.headersSent) {
      next(error);
      return;
    }
    response.status(problem.status).set('Cache-Control', 'no-store');
    if (typeof problem['retryAfter'] === 'number') response.set('Retry-After', String(problem['retryAfter']));
    const media = problemMedia(request);
    if (media === 'html') response.type('html').send(errorPage(problem));
    else if (media === 'xml') response.type('xml').send(problemXml(problem));
    else response.type('application/problem+json').send(JSON.stringify(problem));
  };
}
