// Pulls as jobs: one per image over all processes, tried again where that can help, gone on with after a restart.
import { z } from 'zod';
import { Fault } from '../errors/fault.ts';
import { backOff, type BackOff } from '../jobs/back-off.ts';
import { resultOf, type Jobs } from '../jobs/jobs.ts';
import {
  activeStates,
  isActive,
  priorities,
  type Job,
  type JobFailure,
  type JobKind,
  type JobRun,
} from '../jobs/model.ts';
import { type ImageMetadata } from '../metadata/model.ts';
import { isLost, lossOf } from '../vault/lost.ts';
import { type Vault } from '../vault/vault.ts';
import { checkPointer } from './pull-image.ts';
import { type Puller } from './puller.ts';
import { type RepairImage } from './repair-image.ts';

/** What a repair is asked for beside the image. */
const repairData = z.object({ check: z.boolean(), from: z.string().optional() });

/** The key of an entry in the registry, and how long its image is; `repair` where the image was here when it was asked for. */
const pullData = z.object({
  identifier: z.string(),
  email: z.string(),
  created: z.string(),
  bytes: z.number(),
  repair: repairData.optional(),
});
export type PullData = Readonly<z.output<typeof pullData>>;

/** Whether the image was here already when the job was asked for. */
export const isRepair = ({ data }: Pick<Job, 'data'>): boolean => pullData.safeParse(data).data?.repair !== undefined;

/** An entry, as far as a pull needs it. */
export interface PullableEntry {
  readonly key: { readonly identifier: string; readonly email: string; readonly created: string };
  readonly metadata: ImageMetadata;
}

export const pullKindName = 'pull';

/** The vault and the database come back soon, or it is not worth while. */
const untilTheyAreBack: BackOff = { first: 1000, longest: 60_000, attempts: 15 };
/** A location was tried several times within the attempt. */
const untilTheyAnswer: BackOff = { first: 60_000, longest: 60 * 60_000, attempts: 6 };
const waits: Readonly<Record<string, BackOff>> = {
  'vault.unavailable': untilTheyAreBack,
  'vault.write-expired': untilTheyAreBack,
  'db.unreachable': untilTheyAreBack,
  'pull.unreachable': untilTheyAnswer,
};

/** Whoever waits for an image is told of a failure when the next attempt is further away than this, in ms. */
const patience = 10_000;

/** Jobs for one image that are waited for in a row: others may ask for other entries of it, or evict it. */
const mostTurns = 5;

export function pullKind(parts: {
  readonly puller: Puller;
  readonly vault: Pick<Vault, 'image' | 'hasDamagedPointer' | 'removeImage'>;
  readonly repair: RepairImage;
  /** The entry that a job was made for. Throws `registry.no-entry`. */
  readonly metadataOf: (data: PullData) => Promise<ImageMetadata>;
  /** Pulls at once in this process. */
  readonly concurrency: number;
}): JobKind {
  const { puller, vault, repair, metadataOf, concurrency } = parts;

  async function run({ key, data, signal, progress }: JobRun<unknown>) {
    const { repair: asked, ...entry } = pullData.parse(data);
    // What it pointed to is found again by its chunks: the pull stores none of those that are here.
    if (await vault.hasDamagedPointer(key)) await vault.removeImage(key);
    const there = await vault.image(key);
    if (asked !== undefined && there !== undefined)
      return { ...(await repair(there, { ...asked, signal, onProgress: progress })) };
    const { manifestId, size } = await puller.pull(await metadataOf(entry), {
      signal,
      onProgress: (told) => progress({ ...told }),
    });
    return { manifestId, size };
  }

  return {
    name: pullKindName,
    concurrency,
    parse: (data) => pullData.parse(data),
    retryAfter({ code }: JobFailure, failures) {
      const rule = waits[code];
      return rule === undefined ? undefined : backOff(rule, failures);
    },
    run,
  };
}

export interface RepairRequest {
  /** Reads all of the image first. Default: no, what is known to be lost is all. */
  readonly check?: boolean;
  /** A copy to try before all others: a file or the folder of a vault on the server, or an address of the web. */
  readonly from?: string | undefined;
  readonly priority?: number;
}

export interface Pulls {
  /** Sees to it that the image comes, and what is known to be lost of it. Undefined: it is there. Throws `pull.refused` where what is there is not the one of this entry. */
  begin(entry: PullableEntry, priority?: number): Promise<Job | undefined>;
  /** Resolves when it is there. Throws what a pull throws, also where another attempt follows by itself later. */
  pull(entry: PullableEntry): Promise<void>;
  /**
   * Has an image that is here repaired; joins whatever is done to it already, but for a job that knows nothing of the copy that
   * is named. Throws `not-found`, and `pull.busy` for such a job.
   */
  repair(identifier: string, options?: RepairRequest): Promise<Job>;
  /** Jobs that have not ended, newest first. */
  active(): Promise<readonly Job[]>;
  /** The newest job for an image. */
  newest(identifier: string): Promise<Job | undefined>;
  /** Ends a pull for all that wait for it. False: there is none. */
  cancel(identifier: string): Promise<boolean>;
}

/** Of pulls that are listed at once. */
const mostListed = 1000;

export function createPulls({ jobs, vault }: { readonly jobs: Jobs; readonly vault: Vault }): Pulls {
  const ask = (data: PullData, priority: number): Promise<Job> =>
    jobs.submit({ kind: pullKindName, key: data.identifier, data, priority });

  async function begin({ key, metadata }: PullableEntry, priority: number = priorities.usual) {
    const data: PullData = { ...key, bytes: metadata.bytes };
    if (await vault.hasDamagedPointer(key.identifier)) return await ask(data, priority);
    const there = await vault.image(key.identifier);
    if (there === undefined) return await ask(data, priority);
    checkPointer(there, metadata);
    if (!vault.isSuspect || !isLost(await lossOf(vault, there.manifestId))) return undefined;
    return await ask({ ...data, repair: { check: false } }, priority);
  }

  async function newest(identifier: string): Promise<Job | undefined> {
    const [job] = await jobs.list({ kind: pullKindName, key: identifier, limit: 1 });
    return job;
  }

  return {
    begin,
    newest,

    async repair(identifier, { check = false, from, priority = priorities.usual } = {}) {
      const image = await vault.image(identifier);
      if (image === undefined)
        throw new Fault('not-found', `The image ${identifier} is not in the cache, so there is nothing to repair.`, {
          action: `Bring it with "mintmark image pull ${identifier}".`,
        });
      const { entry, bytes } = image.verdict;
      const job = await ask({ ...entry, bytes, repair: { check, from } }, priority);
      if (from === undefined || pullData.parse(job.data).repair?.from === from) return job;
      throw new Fault(
        'pull.busy',
        `Job ${job.id} is at work on the image ${identifier}, without the copy that is named.`,
        {
          details: { job: job.id },
        },
      );
    },

    async pull(entry) {
      for (let turn = 0; turn < mostTurns; turn += 1) {
        const begun = await begin(entry, priorities.urgent);
        if (begun === undefined) return;
        const job = await jobs.wait(begun.id, { patience });
        const there = await vault.image(entry.key.identifier);
        if (job.state === 'done' && there !== undefined) {
          checkPointer(there, entry.metadata);
          return;
        }
        if (job.state === 'done') continue;
        const { email, created } = pullData.parse(job.data);
        const mine = email === entry.key.email && created === entry.key.created;
        // The locations of another entry were tried: those of this one may be better.
        if (job.state === 'failed' && !mine) continue;
        throw failureOfPull(job);
      }
      throw new Fault('vault.missing', `The image ${entry.key.identifier} was pulled, and is not in this vault.`, {
        action: 'Evicted at once, or the servers that share the queue do not share the vault: see docs/jobs.md.',
      });
    },

    active: () => jobs.list({ kind: pullKindName, states: activeStates, limit: mostListed }),

    async cancel(identifier) {
      const job = await newest(identifier);
      if (job === undefined || !isActive(job.state)) return false;
      await jobs.cancel(job.id);
      return true;
    },
  };
}

function failureOfPull(job: Job): Fault {
  try {
    resultOf(job);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const { code, message, details } = error;
    if (code === 'jobs.cancelled')
      return new Fault('pull.cancelled', `The pull of ${job.key} was cancelled.`, { details });
    if (job.state !== 'retrying') return error;
    return new Fault(code, message, {
      details: { ...details, retryAt: job.runAt },
      action: `It is tried again by itself at ${job.runAt}, or at once when it is asked for again.`,
    });
  }
  return new Fault('internal', `The pull of ${job.key} has failed without a reason.`);
}
