// How many uploads an address may make.
import { type RequestHandler } from 'express';
import { rateLimit } from 'express-rate-limit';
import { Fault } from '../errors/fault.ts';

/** Uploads of one address: a person or a pipeline, not a flood. */
export const uploadLimit = (limit: number): RequestHandler =>
  rateLimit({
    windowMs: 60_000,
    limit,
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    handler: () => {
      throw new Fault('too-many-requests', `more than ${limit} uploads in a minute`);
    },
  });
