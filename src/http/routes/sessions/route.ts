// /login and /logout: operators sign in with the token of the server, for twelve hours.
import { Router } from 'express';
import { type SiteView } from '../../../pages/view.ts';
import { loginPage } from '../../../pages/login.tsx';
import { parseInput } from '../../parse.ts';
import { readForm, requireForm, type Sessions } from '../../sessions.ts';
import { loginForm, loginQuery, logoutForm } from './schema.ts';

export interface SessionRouteDeps {
  readonly site: SiteView;
  readonly sessions: Sessions;
  readonly isOperator: (token: string) => boolean;
}

export function sessionRoutes({ site, sessions, isOperator }: SessionRouteDeps): Router {
  const router = Router();

  router.get('/login', (request, response) => {
    const { next } = parseInput(loginQuery, request.query);
    response.set('Cache-Control', 'no-store');
    if (sessions.of(request) === undefined) response.type('html').send(loginPage({ site, next }));
    else response.redirect(303, next);
  });

  router.post('/login', readForm, (request, response) => {
    const { token, next } = parseInput(loginForm, request.body ?? {});
    response.set('Cache-Control', 'no-store');
    if (!isOperator(token.trim())) {
      response
        .status(401)
        .type('html')
        .send(loginPage({ site, next, wrong: true }));
      return;
    }
    sessions.begin(request, response);
    response.redirect(303, next);
  });

  router.post('/logout', readForm, (request, response) => {
    const { form } = parseInput(logoutForm, request.body ?? {});
    // No other site is to sign an operator out.
    requireForm(sessions, request, form);
    sessions.end(request, response);
    response.redirect(303, '/metadata');
  });

  return router;
}
