// What the routes of the cache take and give.
import { z } from 'zod';
import { jobStates } from '../../../jobs/model.ts';

const count = z.number().int().nonnegative();

/** A question that is asked, not a thing that is done. */
export const dryRunQuery = z.strictObject({ dryRun: z.stringbool().default(false) });

/** POST /cache/{identifier}: answered when the image is here, or at once with the job that brings it. */
export const pullQuery = z.strictObject({ wait: z.stringbool().default(true), dryRun: z.stringbool().default(false) });

/** Of what is a job: answered when it has ended, or at once (202) with the number of the job. */
export const waitQuery = z.strictObject({ wait: z.stringbool().default(true) });

export const begunAnswer = z.object({ job: count });

/** POST /cache/{identifier}/repairs: all of the image is read first, unless what is known to be lost is all. */
export const repairBody = z.strictObject({
  check: z.boolean().default(true),
  /** A copy to try first: a raw disk or the folder of a vault by its path on the server, or an http(s) address. */
  from: z
    .string()
    .regex(/^(?:https?:\/\/.|\/)/iu, 'is neither a whole path on the server (/…) nor an http(s) address')
    .optional(),
});

/** POST /cache/evictions: the least recently used images, until their sizes come to this many bytes. */
export const evictionBody = z.strictObject({ freeBytes: count.positive(), dryRun: z.boolean().default(false) });

export const collectionBody = z.strictObject({ dryRun: z.boolean().default(false) });

/** POST /cache/scrubs: from the first pack on, or from where an earlier scrub ended early. */
export const scrubBody = z.strictObject({
  restart: z.boolean().default(false),
  /** What is broken is repaired, each image by a job of its own. */
  repair: z.boolean().default(true),
});

/** PUT /cache/rate: bytes per second for all pulls of this server together; null: as fast as it goes. */
export const rateBody = z.strictObject({ bytesPerSecond: count.positive().nullable() });

export const pinAnswer = z.object({ identifier: z.string(), pinned: z.boolean() });

export const evictionAnswer = z.object({
  dryRun: z.boolean(),
  /** Images that left the cache; under a dry run those that would. */
  evicted: z.array(z.object({ identifier: z.string(), size: count })),
  /** Their sizes as disks, added up. */
  bytes: count,
});

/** POST /cache/{identifier}?dryRun=true */
export const pullPlanAnswer = z.object({
  identifier: z.string(),
  dryRun: z.literal(true),
  /** It is here already; a pull would do nothing but heal it. */
  cached: z.boolean(),
  neededBytes: count,
  /** Whether the quota allows it, once the images below are evicted. */
  fits: z.boolean(),
  evicted: z.array(z.object({ identifier: z.string(), size: count })),
});

export const usageAnswer = z.object({
  images: count,
  snapshots: count,
  pinned: count,
  diskBytes: count,
  liveChunks: count,
  liveBytes: count,
  storedBytes: count,
  packs: count,
  garbageBytes: count,
  ratio: z.number(),
  quotaBytes: count.nullable(),
});

export const collectionAnswer = z.object({
  dryRun: z.boolean(),
  removedPacks: count,
  removedBytes: count,
  condemnedPacks: count,
  condemnedBytes: count,
  rewrittenPacks: count,
  liveChunks: count,
  liveBytes: count,
  deadWriters: count,
  /** Packs that cannot be read, and stay. */
  unreadable: z.array(z.string()),
});

export const scrubAnswer = z.object({
  checkedChunks: count,
  checkedBytes: count,
  resumed: z.boolean(),
  damaged: z.array(z.string()),
  repaired: z.array(z.string()),
  broken: z.array(z.string()),
  unreadable: z.array(z.string()),
  /** Images that were repaired, or were to be: the job of each, and how that stood at the end of the scrub. */
  repairs: z.array(z.object({ identifier: z.string(), job: count, state: z.enum(jobStates) })).default([]),
});

export const repairAnswer = z.object({
  manifestId: z.string(),
  size: count,
  lostChunks: count.default(0),
  /** Where they came from. */
  sources: z.array(z.string()).default([]),
});
