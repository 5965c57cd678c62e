// The jobs of a server as the configuration says: their kinds, the queue they come by, and who is told of them.
import { type Logger } from 'pino';
import { type Config } from '../config/settings.ts';
import { type Database } from '../db/database.ts';
import { type EventBoard } from '../http/events.ts';
import { presentPull } from '../http/routes/cache/present.ts';
import { presentEvent } from '../http/routes/jobs/present.ts';
import { openJobs, type Jobs } from '../jobs/jobs.ts';
import { type Job } from '../jobs/model.ts';
import { type OpenQueue } from '../jobs/queue.ts';
import { keepSchedule } from '../jobs/schedule.ts';
import { type ImageMetadata } from '../metadata/model.ts';
import { type LocationBook } from '../pull/location-health.ts';
import { probeKey, probeKind, probeKindName } from '../pull/probe-jobs.ts';
import { entryQuerySchema } from '../registry/query.ts';
import { createPulls, pullKind, pullKindName, type Pulls } from '../pull/pull-jobs.ts';
import { type RepairImage } from '../pull/repair-image.ts';
import { type Puller } from '../pull/puller.ts';
import { type Registry } from '../registry/registry.ts';
import { type SourcesFor } from '../vault/chunk-source.ts';
import { type Vault } from '../vault/vault.ts';
import { repairEvent, type TellCache } from './cache-events.ts';
import { createRepairs, type Repairs } from './repairs.ts';
import { scheduledUpkeep, upkeepKinds } from './upkeep-jobs.ts';
import { type Upkeep } from './upkeep.ts';

export interface SiteJobsDeps {
  readonly config: Pick<Config, 'redis' | 'pulls-at-once' | 'probe-every'>;
  readonly db: Database;
  /** Name of this server, and of the vault that its jobs are about. */
  readonly node: string;
  readonly place: string;
  readonly puller: Puller;
  readonly registry: Pick<Registry, 'entry' | 'find'>;
  readonly book: LocationBook;
  readonly upkeep: Upkeep;
  readonly vault: Vault;
  readonly repair: RepairImage;
  readonly sourcesFor: SourcesFor;
  readonly tell: TellCache;
  readonly events: EventBoard;
  readonly now: () => Date;
  readonly randomness: (bytes: number) => Buffer;
  readonly log: Logger;
}

/** Only where it is used is what speaks to Redis loaded. */
async function queueOf({ redis }: SiteJobsDeps['config']): Promise<{ readonly queue?: OpenQueue }> {
  return redis === undefined ? {} : { queue: (await import('../jobs/engines/redis.ts')).overRedis(redis) };
}

export interface SiteJobs {
  /** They and the schedule begin with `begin`, and end with `close`. */
  readonly jobs: Jobs;
  readonly pulls: Pulls;
  readonly repairs: Repairs;
}

/** Throws `jobs.queue`. */
export async function openSiteJobs(deps: SiteJobsDeps): Promise<SiteJobs> {
  const { config, db, node, place, puller, registry, book, upkeep, now, randomness, log } = deps;
  const { vault, repair, sourcesFor } = deps;
  const problem = (error: unknown, doing: string): void =>
    log.warn({ err: error }, `${doing} failed, and is tried again`);
  const pullJobs = pullKind({
    puller,
    vault,
    repair,
    metadataOf: async (key) => (await registry.entry(key)).metadata,
    concurrency: config['pulls-at-once'],
  });
  const jobs = await openJobs({
    db,
    node,
    place,
    kinds: [
      pullJobs,
      probeKind({ book, entries: () => currentMetadata(registry) }),
      ...upkeepKinds(upkeep, () => repairs),
    ],
    now,
    random: randomness,
    problem,
    ...(await queueOf(config)),
  });
  const pulls = createPulls({ jobs, vault });
  const repairs = createRepairs({ vault, pulls, jobs, sourcesFor, now, log });
  jobs.onChange((job) => announce(deps, job));
  const every = config['probe-every'] * 60 * 60 * 1000;
  const probes = every === 0 ? [] : [{ kind: probeKindName, key: probeKey, every }];
  let endSchedule: (() => void) | undefined;
  const site: Jobs = {
    ...jobs,
    async begin() {
      await jobs.begin();
      endSchedule = keepSchedule({ jobs, scheduled: [...scheduledUpkeep, ...probes], now, problem });
    },
    async close() {
      endSchedule?.();
      await repairs.close();
      await jobs.close();
    },
  };
  return { jobs: site, pulls, repairs };
}

/** Of every entry that stands now, page by page. */
async function* currentMetadata(registry: Pick<Registry, 'find'>): AsyncGenerator<ImageMetadata> {
  let cursor: string | undefined;
  do {
    const query = { limit: 100, ...(cursor === undefined ? {} : { cursor }) };
    const page = await registry.find(entryQuerySchema.parse(query));
    for (const { metadata } of page.entries) yield metadata;
    cursor = page.next;
  } while (cursor !== undefined);
}

function announce({ events, tell }: Pick<SiteJobsDeps, 'events' | 'tell'>, job: Job): void {
  events.announce({ type: 'job', data: presentEvent(job) });
  if (job.kind === pullKindName) events.announce({ type: 'pull', data: presentPull(job) });
  const repaired = repairEvent(job);
  if (repaired !== undefined) tell(repaired);
  if (job.kind === 'scrub' && job.progress !== undefined) events.announce({ type: 'scrub', data: job.progress });
}
