// /policy: what this site admits, and why or why not.
import { Router, json } from 'express';
import { judge } from '../../../policy/policy.ts';
import { type WatchedPolicy } from '../../../policy/watch.ts';
import { type Registry } from '../../../registry/registry.ts';
import { parseInput } from '../../parse.ts';
import { checkBody } from './schema.ts';

export interface PolicyRouteDeps {
  readonly policy: Pick<WatchedPolicy, 'current' | 'problem'>;
  readonly registry: Registry;
  readonly now: () => Date;
}

export function policyRoutes({ policy, registry, now }: PolicyRouteDeps): Router {
  const router = Router();

  router.get('/policy', (_request, response) => {
    const { current, problem } = policy;
    response.json({
      policy: current.document,
      ...(problem === undefined
        ? {}
        : { problem: { code: problem.code, detail: problem.message, ...problem.details } }),
    });
  });

  router.post('/policy/check', json(), async (request, response) => {
    const { identifier, email } = parseInput(checkBody, request.body);
    const entries = await registry.image(identifier);
    const verdicts = entries
      .filter((entry) => email === undefined || entry.key.email === email)
      .map((entry) => ({ ...entry.key, ...judge(policy.current, entry, now()) }));
    response.json({ identifier, admitted: verdicts.some(({ admitted }) => admitted), verdicts });
  });

  return router;
}
