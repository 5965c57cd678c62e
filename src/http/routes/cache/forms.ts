// POST /cache: what the forms of pages ask for. What is done leads to a page to look at; what would be done is said.
import { type Router } from 'express';
import { Fault } from '../../../errors/fault.ts';
import { type Delivery } from '../../../delivery/delivery.ts';
import { cachedPath, jobPath } from '../../../pages/links.ts';
import { numberText, sizeText } from '../../../pages/parts.tsx';
import { type NoticeView, type OperatorView } from '../../../pages/view.ts';
import { priorities } from '../../../jobs/model.ts';
import { type Pulls } from '../../../pull/pull-jobs.ts';
import { type Puller } from '../../../pull/puller.ts';
import { type TellCache } from '../../../site/cache-events.ts';
import { type UpkeepJobs } from '../../../site/upkeep-jobs.ts';
import { type Upkeep } from '../../../site/upkeep.ts';
import { type Collection } from '../../../vault/collect.ts';
import { pinImage, unpinImage } from '../../../vault/evict.ts';
import { type Quota } from '../../../vault/quota.ts';
import { type Vault } from '../../../vault/vault.ts';
import { parseInput } from '../../parse.ts';
import { problemOf } from '../../problems.ts';
import { readForm, requireForm, type Sessions } from '../../sessions.ts';
import { type CachePages } from './pages.ts';
import { planPull, type PullPlan } from './plan.ts';
import { cacheForm, type CacheOrder } from './schema.ts';

export interface CacheFormDeps {
  readonly sessions: Sessions;
  readonly pages: CachePages;
  readonly vault: Vault;
  readonly puller: Pick<Puller, 'setRate'>;
  readonly delivery: Pick<Delivery, 'admitted' | 'beginPull'>;
  readonly upkeep: Pick<Upkeep, 'evict' | 'evictable' | 'collect'>;
  readonly upkeepJobs: Pick<UpkeepJobs, 'collect' | 'scrub' | 'evictThose'>;
  readonly quota: Pick<Quota, 'plan'>;
  readonly pulls: Pick<Pulls, 'repair'>;
  /** Tells the events what happened to images. */
  readonly tell: TellCache;
}

/** Either a page to go to, or one that is shown at once. */
type Outcome = { readonly to: string } | { readonly page: string; readonly status?: number };

const gibibyte = 1024 ** 3;
const mebibyte = 1024 ** 2;

function pullNotice({ cached, neededBytes, fits, evicted }: PullPlan): NoticeView {
  if (cached) return { tone: 'good', title: 'It is here already', lines: ['Nothing would be fetched.'] };
  if (!fits) {
    const line = `It takes up to ${sizeText(neededBytes)}; too few images can go to make that much room.`;
    return { tone: 'bad', title: 'It would not fit', lines: [line] };
  }
  const going =
    evicted.length === 0
      ? 'No image would have to go for it.'
      : `These would go for it: ${evicted.map(({ identifier }) => identifier).join(', ')}.`;
  return { tone: 'good', title: 'It would be fetched', lines: [`It takes up to ${sizeText(neededBytes)}.`, going] };
}

function collectionNotice({ removedPacks, removedBytes, condemnedBytes, unreadable }: Collection): NoticeView {
  const waits = `${sizeText(condemnedBytes)} more would wait: garbage stays for a while, for whoever began to use it.`;
  return {
    tone: unreadable.length === 0 ? 'good' : 'warn',
    title: removedPacks === 0 ? 'Nothing would be freed now' : `${sizeText(removedBytes)} would be freed`,
    lines: [
      ...(removedPacks === 0 ? [] : [`They are in ${numberText(removedPacks)} packs.`]),
      ...(condemnedBytes === 0 ? [] : [waits]),
      ...(unreadable.length === 0 ? [] : [`${unreadable.length} packs cannot be read, and stay: scrub the vault.`]),
    ],
  };
}

export function cacheFormRoutes(router: Router, deps: CacheFormDeps): void {
  const { sessions, pages, vault, puller, pulls, delivery, upkeep, upkeepJobs, tell } = deps;

  async function evict(order: Extract<CacheOrder, { action: 'evict' }>, operator: OperatorView): Promise<Outcome> {
    const [first = '', ...others] = order.identifier;
    if (others.length > 0) return { to: jobPath((await upkeepJobs.evictThose(order.identifier)).id) };
    const dryRun = order.dryRun !== undefined;
    await upkeep.evict(first, dryRun);
    if (!dryRun) return { to: cachedPath(first) };
    const lines = ['Nothing uses it, and it is not pinned. The room comes back when garbage is collected.'];
    return { page: await pages.image(operator, first, { tone: 'good', title: 'It would go', lines }) };
  }

  async function pin(identifier: string, pinned: boolean): Promise<Outcome> {
    await (pinned ? pinImage : unpinImage)(vault, identifier);
    tell({ what: pinned ? 'pinned' : 'unpinned', identifier });
    return { to: cachedPath(identifier) };
  }

  function setRate(mebibytes: number | undefined): Outcome {
    puller.setRate(mebibytes === undefined ? undefined : Math.max(1, Math.round(mebibytes * mebibyte)));
    return { to: '/cache/usage' };
  }

  async function obey(order: CacheOrder, operator: OperatorView): Promise<Outcome> {
    switch (order.action) {
      case 'pull': {
        const { identifier } = order;
        if (order.dryRun === undefined) {
          await delivery.beginPull(identifier);
          return { to: cachedPath(identifier) };
        }
        return { page: await pages.image(operator, identifier, pullNotice(await planPull(deps, identifier))) };
      }
      case 'pin':
      case 'unpin':
        return await pin(order.identifier, order.action === 'pin');
      case 'repair':
        await pulls.repair(order.identifier, { check: true, priority: priorities.urgent });
        return { to: cachedPath(order.identifier) };
      case 'evict':
        return await evict(order, operator);
      case 'free': {
        const freeBytes = Math.max(1, Math.round(order.gibibytes * gibibyte));
        return { page: await pages.usage(operator, { evictable: await upkeep.evictable(freeBytes) }) };
      }
      case 'collect':
        if (order.dryRun === undefined) return { to: jobPath((await upkeepJobs.collect()).id) };
        return {
          page: await pages.usage(operator, { notice: collectionNotice(await upkeep.collect({ dryRun: true })) }),
        };
      case 'scrub':
        return { to: jobPath((await upkeepJobs.scrub({ restart: order.restart !== undefined, repair: true })).id) };
      case 'rate':
        break;
    }
    return setRate(order.mebibytes);
  }

  /** The page that the form is of, with the reason. */
  async function refused(order: CacheOrder, operator: OperatorView, fault: Fault): Promise<Outcome> {
    const { status, title, detail, action } = problemOf(fault);
    const notice: NoticeView = { tone: 'bad', title, lines: [detail, action] };
    if (order.action === 'pull')
      return { status, page: await pages.images(operator, { notice, asked: order.identifier }) };
    const single = 'identifier' in order ? [order.identifier].flat() : [];
    const [only] = single;
    if (only !== undefined && single.length === 1) return { status, page: await pages.image(operator, only, notice) };
    return { status, page: await pages.usage(operator, { notice }) };
  }

  router.post('/cache', readForm, async (request, response) => {
    const order = parseInput(cacheForm, request.body ?? {});
    const operator = requireForm(sessions, request, order.form);
    const outcome = await obey(order, operator).catch((error: unknown) => {
      if (error instanceof Fault && error.code !== 'internal') return refused(order, operator, error);
      throw error;
    });
    response.set('Cache-Control', 'no-store');
    if ('to' in outcome) response.redirect(303, outcome.to);
    else
      response
        .status(outcome.status ?? 200)
        .type('html')
        .send(outcome.page);
  });
}
