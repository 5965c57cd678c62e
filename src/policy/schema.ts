// What an admin's policy file may say, as one typed schema; schemas/policy.schema.json is made from it.
import { z } from 'zod';
import { imageFormats } from '../metadata/model.ts';

/** Values in one list. */
const longestList = 10_000;

const email = z
  .string()
  .regex(/^(\*|[^\s@*]+)@[^\s@*]+$/u, 'is neither an e-mail address nor *@domain')
  .describe('An e-mail address, or *@domain for everyone of a domain');
const identifier = z.string().regex(/^[A-P][A-Za-z0-9_-]{26}$/u, 'is not an image identifier of 27 characters');
const checksum = z
  .string()
  .toLowerCase()
  .regex(/^([0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{128})$/u, 'is not a checksum in hex')
  .describe('MD5, SHA-1, SHA-256 or SHA-512 in hex');
const authority = z
  .string()
  .min(1)
  .max(1000)
  .describe("A certificate authority: its subject as an RFC 2253 name, as the endorser's certificate names its issuer");

function lists<Value extends z.ZodType>(value: Value, what: string) {
  return z
    .strictObject({
      allow: z.array(value).min(1, 'would admit nothing; leave it out to admit all').max(longestList).optional(),
      deny: z.array(value).max(longestList).optional(),
    })
    .describe(`allow: only these ${what}; deny: never these ${what}`);
}

export const requirableFields = [
  'title',
  'description',
  'creator',
  'publisher',
  'format',
  'tag',
  'valid',
  'version',
  'os',
  'osVersion',
  'osArch',
] as const;

const condition = z
  .strictObject({
    name: z.string().min(1).max(100).describe('Shown beside the verdict'),
    require: z.string().min(1).max(2000).optional().describe('CEL: must be true'),
    deny: z.string().min(1).max(2000).optional().describe('CEL: must not be true'),
  })
  .refine(({ require, deny }) => (require === undefined) !== (deny === undefined), 'needs one of require and deny');

export const policySchema = z
  .strictObject({
    version: z.literal(1),
    endorsers: lists(email, 'endorsers').optional(),
    images: lists(identifier, 'images, by identifier').optional(),
    checksums: lists(checksum, 'contents, by any of their checksums').optional(),
    authorities: lists(authority, 'certificate authorities').optional(),
    formats: lists(z.enum(imageFormats), 'disk formats').optional(),
    signature: z
      .strictObject({
        weak: z.enum(['allow', 'deny']).optional().describe('Signatures of the legacy profile (RSA-SHA1)'),
        rsaBits: z.number().int().min(1024).max(16384).optional().describe('Shortest RSA key'),
      })
      .optional(),
    required: z.array(z.enum(requirableFields)).optional().describe('Fields that the metadata must have'),
    maximumAgeDays: z.number().int().min(1).optional().describe('Days since the endorsement'),
    operatingSystems: z
      .array(
        z.strictObject({
          os: z.string().min(1),
          versions: z.array(z.string().min(1)).min(1).optional().describe('All versions where it is left out'),
          architectures: z.array(z.string().min(1)).min(1).optional(),
        }),
      )
      .min(1)
      .optional()
      .describe('Only these operating systems'),
    expired: z.enum(['allow', 'deny']).default('deny').describe('Entries after their dcterms:valid'),
    deprecated: z.enum(['allow', 'deny']).default('deny').describe('Entries that their endorser has deprecated'),
    conditions: z.array(condition).max(100).optional().describe('Free conditions in CEL'),
  })
  .describe('What a site admits. Deny wins; what no rule speaks of is admitted.');

export type PolicyDocument = z.output<typeof policySchema>;

/** JSON Schema of a policy file, for editors. */
export function policyJsonSchema(): Readonly<Record<string, unknown>> {
  const { $schema, ...rest } = z.toJSONSchema(policySchema, { io: 'input' });
  return { $schema, title: 'Policy of a Mintmark site', ...rest };
}
