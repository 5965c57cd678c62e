// Which documents a mirror takes in, where it is told to take only what a policy admits.
import { defaultPolicy, judge, type Policy } from '../src/policy/policy.ts';
import { watchPolicy } from '../src/policy/watch.ts';
import { type SiteRegistry } from '../src/site/registry.ts';

function policyOf(file: string | undefined): Policy {
  if (file === undefined) return defaultPolicy;
  const watched = watchPolicy(file);
  watched.close();
  return watched.current;
}

/**
 * What the policy in `file` admits, and whatever endorsers say later of what is here: a withdrawal is not to be missed.
 * Throws `policy.invalid`.
 */
export function wantedByPolicy(
  file: string | undefined,
  now: () => Date,
  { registry, verify }: Pick<SiteRegistry, 'registry' | 'verify'>,
): (bytes: Buffer) => Promise<boolean> {
  const policy = policyOf(file);
  return async (bytes) => {
    const report = await verify(bytes);
    // What does not verify is refused, with its reasons, and listed.
    if (!report.valid || judge(policy, report, now()).admitted) return true;
    const { identifier, endorsement } = report.metadata;
    return (await registry.current(identifier, endorsement.endorser.email)) !== undefined;
  };
}
