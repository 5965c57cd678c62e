// Reads the text of a policy, ours (JSON) or StratusLab's (policy.cfg), whole and right or not at all.
import { Fault } from '../errors/fault.ts';
import { parseCondition } from './conditions.ts';
import { type Policy } from './policy.ts';
import { policySchema } from './schema.ts';
import { readStratusLabPolicy } from './stratuslab.ts';

/** Something that is wrong with a policy, and where: `endorsers.allow.0`. */
export interface PolicyProblem {
  readonly path: string;
  readonly message: string;
}

function invalid(problems: readonly PolicyProblem[]): Fault {
  const [first] = problems;
  const where = first === undefined || first.path === '' ? '' : `${first.path}: `;
  const others = problems.length > 1 ? ` (and ${problems.length - 1} more)` : '';
  return new Fault('policy.invalid', `The policy is wrong: ${where}${first?.message ?? 'unknown'}${others}`, {
    details: { problems },
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalid([{ path: '', message: `it is not JSON: ${error instanceof Error ? error.message : ''}` }]);
  }
}

/** Throws `policy.invalid`; details.problems name each wrong member. */
export function readPolicy(text: string): Policy {
  const isJson = text.trimStart().startsWith('{');
  const parsed = policySchema.safeParse(isJson ? parseJson(text) : readStratusLabPolicy(text));
  if (!parsed.success) {
    throw invalid(parsed.error.issues.map(({ path, message }) => ({ path: path.join('.'), message })));
  }
  const problems: PolicyProblem[] = [];
  const conditions = (parsed.data.conditions ?? []).flatMap(({ name, require, deny }, index) => {
    const when = require === undefined ? 'deny' : 'require';
    try {
      return [{ name, when, holds: parseCondition(require ?? deny ?? '') } as const];
    } catch (error) {
      problems.push({ path: `conditions.${index}.${when}`, message: error instanceof Error ? error.message : '' });
      return [];
    }
  });
  if (problems.length > 0) throw invalid(problems);
  return { document: parsed.data, conditions };
}
