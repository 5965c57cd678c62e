// /cache: which images are here, proven, and which are on their way; what stays, what goes, and whether all is sound.
import { Router, json, type Request, type RequestHandler, type Response } from 'express';
import { type z } from 'zod';
import { isActive, priorities, type Job } from '../../../jobs/model.ts';
import { type Delivery } from '../../../delivery/delivery.ts';
import { Fault } from '../../../errors/fault.ts';
import { type Puller } from '../../../pull/puller.ts';
import { type Pulls } from '../../../pull/pull-jobs.ts';
import { type TellCache } from '../../../site/cache-events.ts';
import { type UpkeepJobs } from '../../../site/upkeep-jobs.ts';
import { type Upkeep } from '../../../site/upkeep.ts';
import { pinImage, pinnedImages, unpinImage } from '../../../vault/evict.ts';
import { type ImagePointer } from '../../../vault/records.ts';
import { type Quota } from '../../../vault/quota.ts';
import { vaultUsage } from '../../../vault/usage.ts';
import { type Vault } from '../../../vault/vault.ts';
import { parseInput } from '../../parse.ts';
import { presentFailure, presentPull } from './present.ts';
import {
  collectionBody,
  dryRunQuery,
  evictionBody,
  pullQuery,
  rateBody,
  repairBody,
  scrubBody,
  waitQuery,
  type evictionAnswer,
  type pullPlanAnswer,
} from './schema.ts';

export interface CacheRouteDeps {
  readonly vault: Vault;
  readonly pulls: Pulls;
  readonly puller: Pick<Puller, 'rate' | 'setRate'>;
  readonly delivery: Delivery;
  readonly upkeep: Upkeep;
  readonly upkeepJobs: UpkeepJobs;
  readonly quota: Quota;
  readonly tell: TellCache;
  readonly operator: RequestHandler;
}

export function cacheRoutes(deps: CacheRouteDeps): Router {
  const router = Router();
  router.use('/cache', deps.operator, json());
  // The words of the upkeep come first: none of them can be an identifier.
  upkeepRoutes(router, deps);
  imageRoutes(router, deps);
  return router;
}

function upkeepRoutes(router: Router, { vault, puller, upkeep, upkeepJobs, quota }: CacheRouteDeps): void {
  router.get('/cache/usage', async (_request, response) => {
    response.json({
      ...(await vaultUsage(vault)),
      pinned: (await pinnedImages(vault)).size,
      quotaBytes: quota.bytes ?? null,
    });
  });

  router.get('/cache/rate', (_request, response) => {
    response.json({ bytesPerSecond: puller.rate() ?? null });
  });

  router.put('/cache/rate', (request, response) => {
    const { bytesPerSecond } = parseInput(rateBody, request.body);
    puller.setRate(bytesPerSecond ?? undefined);
    response.json({ bytesPerSecond });
  });

  router.post('/cache/evictions', async (request, response) => {
    const { freeBytes, dryRun } = parseInput(evictionBody, request.body);
    if (dryRun) response.json(presentEviction(await upkeep.evictable(freeBytes), true));
    else await answerJob(request, response, await upkeepJobs.evict(freeBytes), { dryRun });
  });

  router.post('/cache/collections', async (request, response) => {
    const { dryRun } = parseInput(collectionBody, bodyOf(request));
    if (dryRun) response.json({ dryRun, ...(await upkeep.collect({ dryRun })) });
    else await answerJob(request, response, await upkeepJobs.collect(), { dryRun });
  });

  router.post('/cache/scrubs', async (request, response) => {
    await answerJob(request, response, await upkeepJobs.scrub(parseInput(scrubBody, bodyOf(request))), {});
  });

  /** What came of the job, beside `more`; or, where nobody waits, its number. */
  async function answerJob(request: Request, response: Response, job: Job, more: object): Promise<void> {
    if (parseInput(waitQuery, request.query).wait) response.json({ ...more, ...(await upkeepJobs.resultOf(job)) });
    else response.status(202).location(`/jobs/${job.id}`).json({ job: job.id });
  }

  router.delete('/cache/scrubs', async (_request, response) => {
    if (!(await upkeepJobs.cancelScrub()))
      throw new Fault('not-found', 'no scrub runs, so there is none to end', {
        action: 'Begin one with "mintmark cache scrub"; "mintmark job list --kind scrub" shows those that ended.',
      });
    response.status(204).end();
  });
}

/** A body that is not read may have asked for something else. Throws `media-type`. */
function bodyOf(request: Request): unknown {
  if (request.is('json') === false) throw new Fault('media-type', 'the body is not application/json');
  return request.body ?? {};
}

function imageRoutes(router: Router, deps: CacheRouteDeps): void {
  const { vault, pulls, delivery, upkeep, upkeepJobs, quota, tell } = deps;
  router.get('/cache', async (_request, response) => {
    const pinned = await pinnedImages(vault);
    const { found, damaged } = await vault.surveyImages();
    const images = found.map((image) => ({ ...image, pinned: pinned.has(image.identifier) }));
    response.json({ images, pulls: (await pulls.active()).map(presentPull), damaged });
  });

  router.get('/cache/:identifier', async (request, response) => {
    const { identifier } = request.params;
    const image = await vault.image(identifier);
    const newest = await pulls.newest(identifier);
    const pull = newest !== undefined && isActive(newest.state) ? presentPull(newest) : undefined;
    const failure = newest === undefined ? undefined : presentFailure(newest);
    if (image === undefined && pull === undefined && failure === undefined) {
      throw new Fault('not-found', `the image ${identifier} is not in the cache`, {
        action: 'Pull it with POST /cache/IDENTIFIER, or "mintmark image pull".',
      });
    }
    const pinned = (await pinnedImages(vault)).has(identifier);
    response.json({ identifier, image: image ?? null, pinned, pull: pull ?? null, failure: failure ?? null });
  });

  router.post('/cache/:identifier', async (request, response) => {
    const { identifier } = request.params;
    const { wait, dryRun } = parseInput(pullQuery, request.query);
    if (dryRun) {
      response.json(await pullPlan(identifier));
      return;
    }
    if (wait) await delivery.pullImage(identifier);
    else {
      const job = await delivery.beginPull(identifier);
      if (job !== undefined) {
        response.status(202).location(`/jobs/${job}`).json({ identifier, image: null, job });
        return;
      }
    }
    response.json({ identifier, image: (await vault.image(identifier)) ?? null });
  });

  /** What a pull would do to what is here. */
  async function pullPlan(identifier: string): Promise<z.output<typeof pullPlanAnswer>> {
    const { metadata } = await delivery.admitted(identifier);
    const cached = (await vault.image(identifier)) !== undefined;
    const neededBytes = cached ? 0 : metadata.bytes;
    const plan = cached ? undefined : await quota.plan(neededBytes);
    const evicted = (plan?.evicted ?? []).map((image) => ({ identifier: image.identifier, size: image.size }));
    return { identifier, dryRun: true, cached, neededBytes, fits: plan?.fits ?? true, evicted };
  }

  router.post('/cache/:identifier/repairs', async (request, response) => {
    const { identifier } = request.params;
    const asked = parseInput(repairBody, bodyOf(request));
    const { wait } = parseInput(waitQuery, request.query);
    const job = await pulls.repair(identifier, { ...asked, priority: priorities.urgent });
    if (wait) response.json(await upkeepJobs.resultOf(job));
    else response.status(202).location(`/jobs/${job.id}`).json({ job: job.id });
  });

  router.delete('/cache/:identifier', async (request, response) => {
    const { dryRun } = parseInput(dryRunQuery, request.query);
    response.json(presentEviction(await upkeep.evict(request.params.identifier, dryRun), dryRun));
  });

  router.delete('/cache/:identifier/pull', async (request, response) => {
    const { identifier } = request.params;
    if (!(await pulls.cancel(identifier)))
      throw new Fault('not-found', `no pull of ${identifier} runs, so there is none to end`, {
        action: 'See what runs with "mintmark job list --state active".',
      });
    response.status(204).end();
  });

  router.put('/cache/:identifier/pin', async (request, response) => {
    const { identifier } = request.params;
    await pinImage(vault, identifier);
    tell({ what: 'pinned', identifier });
    response.json({ identifier, pinned: true });
  });

  router.delete('/cache/:identifier/pin', async (request, response) => {
    const { identifier } = request.params;
    await unpinImage(vault, identifier);
    tell({ what: 'unpinned', identifier });
    response.json({ identifier, pinned: false });
  });
}

function presentEviction(images: readonly ImagePointer[], dryRun: boolean): z.output<typeof evictionAnswer> {
  const evicted = images.map(({ identifier, size }) => ({ identifier, size }));
  return { dryRun, evicted, bytes: evicted.reduce((sum, { size }) => sum + size, 0) };
}
