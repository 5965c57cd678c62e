// What may be asked of the list of entries: the parameters of GET /metadata, by their names in the URL.
import { z } from 'zod';

/** Longest text of one parameter. */
const longestText = 200;

/** A form sends fields that were left empty: they mean nothing. Control characters are in no value. */
const text = z
  .string()
  .trim()
  .max(longestText)
  .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'has control characters')
  .transform((value) => (value === '' ? undefined : value))
  .optional();

export const listedStatuses = ['valid', 'expired', 'deprecated', 'withdrawn', 'all'] as const;
export const sortOrders = ['-created', 'created', 'title', '-title'] as const;
export type SortOrder = (typeof sortOrders)[number];

/** Entries on a page, at most and unless asked otherwise. */
export const pageLimits = { most: 100, usual: 20 } as const;

export const entryQuerySchema = z.object({
  'status': z
    .enum(listedStatuses)
    .default('valid')
    .describe(
      'valid: newest, not expired, not deprecated; deprecated: withdrawn ones included; all: replaced ones included',
    ),
  'location': z.enum(['all', 'web', 'pdisk']).default('all').describe('Where the contents are kept'),
  'identifier': text.describe('Identifier of the image, 27 characters'),
  'email': text.describe("The endorser's e-mail address"),
  'created': text.describe('Moment of the endorsement, YYYY-MM-DDThh:mm:ssZ; replaced entries fit too'),
  'tag': text.describe("The creator's tag"),
  'os': text.describe('Operating system'),
  'os-version': text.describe('Version of the operating system'),
  'os-arch': text.describe('Architecture'),
  'kind': text.describe('machine or disk'),
  'format': text.describe('Disk format'),
  'hypervisor': text.describe('Hypervisor that the image is made for'),
  'q': text.describe('Words that must all occur; each may be the beginning of a word'),
  'admitted': z
    .enum(['true', 'false', ''])
    .default('false')
    .transform((value) => value === 'true')
    .describe("true: only what this site's policy admits"),
  'sort': z.enum(sortOrders).default('-created').describe('Order; a minus turns it around'),
  'cursor': z.string().max(500).optional().describe('From `next` of the page before'),
  'limit': z.coerce.number().int().min(1).max(pageLimits.most).default(pageLimits.usual).describe('Entries on a page'),
});

export type EntryQuery = z.output<typeof entryQuerySchema>;
/** The parameters before their defaults. */
export type EntryQueryInput = z.input<typeof entryQuerySchema>;
