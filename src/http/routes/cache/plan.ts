// What a pull would do to what is in the cache.
import { type z } from 'zod';
import { type Delivery } from '../../../delivery/delivery.ts';
import { type Quota } from '../../../vault/quota.ts';
import { type Vault } from '../../../vault/vault.ts';
import { type pullPlanAnswer } from './schema.ts';

export interface PlanDeps {
  readonly vault: Pick<Vault, 'image'>;
  readonly delivery: Pick<Delivery, 'admitted'>;
  readonly quota: Pick<Quota, 'plan'>;
}

export type PullPlan = z.output<typeof pullPlanAnswer>;

/** Throws `policy.denied`, `registry.no-entry`. */
export async function planPull({ vault, delivery, quota }: PlanDeps, identifier: string): Promise<PullPlan> {
  const { metadata } = await delivery.admitted(identifier);
  const cached = (await vault.image(identifier)) !== undefined;
  const neededBytes = cached ? 0 : metadata.bytes;
  const plan = cached ? undefined : await quota.plan(neededBytes);
  const evicted = (plan?.evicted ?? []).map((image) => ({ identifier: image.identifier, size: image.size }));
  return { identifier, dryRun: true, cached, neededBytes, fits: plan?.fits ?? true, evicted };
}
