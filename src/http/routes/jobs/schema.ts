// What the routes of the jobs take and give.
import { z } from 'zod';
import { jobStates } from '../../../jobs/model.ts';

const time = z.string();
const anyObject = z.record(z.string(), z.unknown());

const wholeTo1000 = { error: 'is not a whole number from 1 to 1000' };
const jobNumberError = { error: 'is not the number of a job, as "mintmark job list" shows it' };
const number = z.coerce.number(jobNumberError).int(jobNumberError).positive(jobNumberError);

/** GET /jobs: newest first; `state` may name several, with commas; `active` are those that have not ended. */
export const jobQuery = z.object({
  kind: z.string().optional(),
  key: z.string().optional(),
  state: z
    .string()
    .transform((text) => text.split(','))
    .pipe(z.array(z.enum([...jobStates, 'active'], { error: `is none of active, ${jobStates.join(', ')}` })))
    .optional(),
  before: number.optional(),
  limit: z.coerce.number(wholeTo1000).int(wholeTo1000).min(1, wholeTo1000).max(1000, wholeTo1000).default(100),
});

/** POST /jobs/{id}: what the forms of pages send. The token is asked for each time: nothing that a browser sends by itself counts. */
export const jobForm = z.strictObject({ token: z.string(), action: z.enum(['cancel', 'retry']) });

export const jobNumber = z.object({ id: number });

const failureAnswer = z.object({ code: z.string(), message: z.string(), action: z.string(), details: anyObject });

const attemptAnswer = z.object({
  number: z.number(),
  worker: z.string(),
  started: time,
  ended: time.optional(),
  outcome: z.enum(['done', 'failed', 'cancelled', 'lost', 'released']).optional(),
  failure: failureAnswer.optional(),
});

export const jobAnswer = z.object({
  id: z.number(),
  kind: z.string(),
  /** What it is about, such as the identifier of the image that is pulled. */
  key: z.string(),
  state: z.enum(jobStates),
  /** Its end was asked for while it ran. */
  cancelling: z.boolean(),
  priority: z.number(),
  created: time,
  /** Not before; the time of the next attempt of a job that is to be tried again. */
  runAt: time,
  started: time.optional(),
  finished: time.optional(),
  /** Who runs it. */
  worker: z.string().optional(),
  /** How far the last attempt got; its members depend on the kind. */
  progress: anyObject.optional(),
  result: anyObject.optional(),
  failure: failureAnswer.optional(),
  /** The newest ones, oldest first. */
  attempts: z.array(attemptAnswer),
});
export type JobAnswer = z.output<typeof jobAnswer>;

export const jobList = z.object({
  jobs: z.array(jobAnswer),
  /** `before` of the next page. */
  next: z.number().optional(),
});
