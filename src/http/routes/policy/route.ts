// /policy: what this site admits, and why or why not.
import { Router, json } from 'express';
import { explainPolicy, type ExplainedRule } from '../../../policy/explain.ts';
import { judge, type Judgement } from '../../../policy/policy.ts';
import { type WatchedPolicy } from '../../../policy/watch.ts';
import { type Registry } from '../../../registry/registry.ts';
import { type EntryKey } from '../../../registry/entry.ts';
import { wantedMedia } from '../../media.ts';
import { parseInput } from '../../parse.ts';
import { checkBody, policyQuery } from './schema.ts';

export interface PolicyRouteDeps {
  readonly policy: Pick<WatchedPolicy, 'current' | 'problem'>;
  readonly registry: Registry;
  readonly now: () => Date;
  readonly pages: PolicyPages;
}

export interface PolicyPages {
  policy(view: {
    readonly rules: readonly ExplainedRule[];
    readonly problem?: string;
    readonly identifier?: string;
    readonly verdicts?: readonly (EntryKey & Judgement)[];
  }): string;
}

export function policyRoutes({ policy, registry, now, pages }: PolicyRouteDeps): Router {
  const router = Router();

  async function verdictsOn(identifier: string): Promise<readonly (EntryKey & Judgement)[]> {
    const entries = await registry.image(identifier);
    return entries.map((entry) => ({ ...entry.key, ...judge(policy.current, entry, now()) }));
  }

  router.get('/policy', async (request, response) => {
    const media = wantedMedia(request, ['json', 'html']);
    const { identifier } = parseInput(policyQuery, request.query);
    const { current, problem } = policy;
    if (media === 'html') {
      response.type('html').send(
        pages.policy({
          rules: explainPolicy(current.document),
          ...(problem === undefined ? {} : { problem: problem.message }),
          ...(identifier === undefined ? {} : { identifier, verdicts: await verdictsOn(identifier) }),
        }),
      );
      return;
    }
    response.json({
      rules: explainPolicy(current.document),
      policy: current.document,
      ...(problem === undefined
        ? {}
        : { problem: { code: problem.code, detail: problem.message, ...problem.details } }),
    });
  });

  router.post('/policy/check', json(), async (request, response) => {
    const { identifier, email } = parseInput(checkBody, request.body);
    const all = await verdictsOn(identifier);
    const verdicts = all.filter((verdict) => email === undefined || verdict.email === email);
    response.json({ identifier, admitted: verdicts.some(({ admitted }) => admitted), verdicts });
  });

  return router;
}
