// GET /openapi.json: every route with what it takes and gives, from the same schemas that check requests (OpenAPI 3.1).
import { Router } from 'express';
import { z } from 'zod';
import { endorserQuerySchema } from '../registry/endorsers.ts';
import { entryQuerySchema } from '../registry/query.ts';
import { trustMaterialSchema } from '../trust/material.ts';
import { attachmentDetails, newAttachmentBody } from './routes/attachments/schema.ts';
import {
  cacheForm,
  collectionAnswer,
  collectionBody,
  dryRunQuery,
  evictionAnswer,
  evictionBody,
  pinAnswer,
  pullQuery,
  rateBody,
  repairAnswer,
  repairBody,
  scrubAnswer,
  scrubBody,
  usageAnswer,
  waitQuery,
} from './routes/cache/schema.ts';
import { confirmationBody, confirmationQuery } from './routes/confirmations/schema.ts';
import { jobAnswer, jobForm, jobList, jobQuery } from './routes/jobs/schema.ts';
import { probeAnswer, probeBody } from './routes/images/schema.ts';
import { loginForm, loginQuery, logoutForm } from './routes/sessions/schema.ts';
import { consistencyQuery, inclusionQuery, logQuery } from './routes/log/schema.ts';
import { checkBody, policyQuery } from './routes/policy/schema.ts';
import {
  newSnapshotBody,
  newVolumeBody,
  snapshotAnswer,
  volumeAnswer,
  volumeChange,
  volumeFilter,
  volumeList,
} from './routes/volumes/schema.ts';

interface Operation {
  readonly summary: string;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  /** The body comes from the form of a page. */
  readonly form?: true;
  /** Status and schema of the answer where all is well; JSON of any shape where the schema is left out. */
  readonly answer?: readonly [status: number, schema?: z.ZodType];
  /** Types other than JSON that the answer may have. */
  readonly types?: readonly string[];
  /** Needs the operator token. */
  readonly operator?: true;
}

type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';

const pageOrXml = ['text/html', 'application/xml'];
const deleted = [204] as const;

/** By path, then method. A test holds it against the routes that there really are. */
export const operations: Readonly<Record<string, Partial<Record<Method, Operation>>>> = {
  '/metadata': {
    get: { summary: 'Entries by filters, with facets and pages', query: entryQuerySchema, types: pageOrXml },
    post: {
      summary:
        'Publish a signed document (application/xml, or a form with a file); 202 where its endorser has to confirm it',
      answer: [201],
      types: pageOrXml,
    },
  },
  '/confirmations': {
    get: {
      summary: 'What the link in a mail is about; decides nothing',
      query: confirmationQuery,
      types: ['text/html'],
    },
    post: {
      summary: 'Publish an upload that waits for its endorser, or refuse it',
      body: confirmationBody,
      answer: [201],
      types: ['text/html'],
    },
  },
  '/metadata/check': {
    post: { summary: 'What would become of a document, were it published; it is sent in the same way' },
  },
  '/metadata/{arguments}': {
    get: {
      summary:
        'Entries narrowed by IDENTIFIER/EMAIL/CREATED; all three name one entry, whose XML is the signed document',
      query: entryQuerySchema,
      types: pageOrXml,
    },
  },
  '/tag/{email}/{tag}': { get: { summary: "An endorser's newest valid entry with a tag", types: pageOrXml } },
  '/endorsers': { get: { summary: 'Endorsers', query: endorserQuerySchema, types: ['text/html'] } },
  '/endorsers/{email}': { get: { summary: 'One endorser', types: ['text/html'] } },
  '/endorsers/{email}/tags': { get: { summary: 'Tags in use, with the newest entry of each' } },
  '/images/{identifier}': {
    get: { summary: 'All current endorsements of an image, the health of its locations, and its state in the cache' },
  },
  '/images/{identifier}/probes': {
    post: {
      summary: 'Ask every location of an image now whether it still serves it',
      body: probeBody,
      answer: [200, probeAnswer],
      operator: true,
    },
  },
  '/trust': {
    get: {
      summary: 'The certificates and revocation lists that signers are checked with',
      answer: [200, trustMaterialSchema],
    },
  },
  '/policy': {
    get: { summary: 'The policy in force, and in plain sentences', query: policyQuery, types: ['text/html'] },
  },
  '/policy/check': { post: { summary: 'The verdict of every rule on an image', body: checkBody } },
  '/login': {
    get: { summary: 'The page on which operators sign in', query: loginQuery, types: ['text/html'] },
    post: {
      summary: 'What its form sends; a cookie for twelve hours is the answer',
      body: loginForm,
      form: true,
      answer: [303],
    },
  },
  '/logout': { post: { summary: 'What the form to sign out sends', body: logoutForm, form: true, answer: [303] } },
  '/cache': {
    get: { summary: 'Images in the cache, and pulls that run', types: ['text/html'], operator: true },
    post: {
      summary:
        'What the forms of pages send: pull, pin, unpin, repair, evict, free room, collect garbage, scrub, set the rate',
      body: cacheForm,
      form: true,
      answer: [303],
      types: ['text/html'],
    },
  },
  '/cache/{identifier}': {
    get: { summary: 'One image in the cache, its pull, or why that failed', types: ['text/html'], operator: true },
    post: {
      summary:
        'Pull an image now, or say what that would do; answered when it is here, or at once (202) with the number of the job',
      query: pullQuery,
      operator: true,
    },
    delete: {
      summary: 'Take an image that is not in use out of the cache',
      query: dryRunQuery,
      answer: [200, evictionAnswer],
      operator: true,
    },
  },
  '/cache/{identifier}/pull': { delete: { summary: 'Cancel the pull of an image', answer: deleted, operator: true } },
  '/cache/{identifier}/pin': {
    put: { summary: 'Keep an image in the cache, whatever is evicted', answer: [200, pinAnswer], operator: true },
    delete: { summary: 'Let an image be evicted again', answer: [200, pinAnswer], operator: true },
  },
  '/cache/usage': {
    get: {
      summary: 'What the vault holds, and what sharing saves',
      answer: [200, usageAnswer],
      types: ['text/html'],
      operator: true,
    },
  },
  '/cache/rate': {
    get: {
      summary: 'Bytes per second that all pulls of this server may take together',
      answer: [200, rateBody],
      operator: true,
    },
    put: { summary: 'Change it, for pulls that run too', body: rateBody, answer: [200, rateBody], operator: true },
  },
  '/cache/{identifier}/repairs': {
    post: {
      summary:
        'Read an image that is here, and bring back what it has lost, from copies near by or its locations; or at once (202) the number of the job',
      query: waitQuery,
      body: repairBody,
      answer: [200, repairAnswer],
      operator: true,
    },
  },
  '/cache/evictions': {
    post: {
      summary:
        'Take images out of the cache, those pulled longest ago first, until they come to so many bytes; or at once (202) the number of the job',
      query: waitQuery,
      body: evictionBody,
      answer: [200, evictionAnswer],
      operator: true,
    },
  },
  '/cache/collections': {
    post: {
      summary: 'Collect garbage: free the room of what nothing refers to; or at once (202) the number of the job',
      query: waitQuery,
      body: collectionBody,
      answer: [200, collectionAnswer],
      operator: true,
    },
  },
  '/cache/scrubs': {
    post: {
      summary:
        'Read everything back, have what is damaged repaired by jobs, name what is broken; joins a scrub that runs. Or at once (202) its number',
      query: waitQuery,
      body: scrubBody,
      answer: [200, scrubAnswer],
      operator: true,
    },
    delete: { summary: 'End the scrub that runs; the next one goes on from there', answer: deleted, operator: true },
  },
  '/jobs': {
    get: {
      summary: 'What the server does in the background, newest first',
      query: jobQuery,
      answer: [200, jobList],
      types: ['text/html'],
      operator: true,
    },
  },
  '/jobs/{id}': {
    get: { summary: 'One job with its attempts', answer: [200, jobAnswer], types: ['text/html'], operator: true },
    post: {
      summary: 'What the form of a page sends: end the job, or try it again',
      body: jobForm,
      form: true,
      answer: [303],
    },
    delete: { summary: 'End a job that has not ended', answer: [200, jobAnswer], operator: true },
  },
  '/jobs/{id}/retries': {
    post: {
      summary:
        'Try a job again now: the same one where its next attempt is awaited, a new one where it failed or was cancelled',
      answer: [202, jobAnswer],
      operator: true,
    },
  },
  '/volumes': {
    get: { summary: 'Volumes', query: volumeFilter, answer: [200, volumeList], operator: true },
    post: { summary: 'Make a volume', body: newVolumeBody, answer: [201, volumeAnswer], operator: true },
  },
  '/volumes/{uuid}': {
    get: { summary: 'One volume', answer: [200, volumeAnswer], operator: true },
    patch: { summary: 'Resize or name a volume', body: volumeChange, answer: [200, volumeAnswer], operator: true },
    delete: { summary: 'Delete a volume that nobody uses', answer: deleted, operator: true },
  },
  '/volumes/{uuid}/snapshots': {
    post: {
      summary: 'Keep what the volume holds now',
      body: newSnapshotBody,
      answer: [201, snapshotAnswer],
      operator: true,
    },
  },
  '/snapshots': { get: { summary: 'Snapshots', operator: true } },
  '/snapshots/{uuid}': {
    get: { summary: 'One snapshot', answer: [200, snapshotAnswer], operator: true },
    delete: { summary: 'Delete a snapshot', answer: deleted, operator: true },
  },
  '/attachments': {
    get: { summary: 'Attachments', operator: true },
    post: {
      summary: 'Let an initiator use a volume',
      body: newAttachmentBody,
      answer: [201, attachmentDetails],
      operator: true,
    },
  },
  '/attachments/{id}': {
    get: {
      summary: 'One attachment with its secret and how to use it',
      answer: [200, attachmentDetails],
      operator: true,
    },
    delete: { summary: 'End an attachment and its sessions', answer: deleted, operator: true },
  },
  '/log': { get: { summary: 'Decisions, newest first', query: logQuery, types: ['text/html'] } },
  '/log/audit': { get: { summary: 'Decisions with what is not public', query: logQuery, operator: true } },
  '/log/verifier': { get: { summary: "The key that signs the log's checkpoints", types: ['text/plain'] } },
  '/log/checkpoint': { get: { summary: 'Signed size and root (C2SP tlog-checkpoint)', types: ['text/plain'] } },
  '/log/tile/{rest}': {
    get: { summary: 'A tile of hashes or entries (C2SP tlog-tiles)', types: ['application/octet-stream'] },
  },
  '/log/proof/inclusion': { get: { summary: 'Proof that a decision is in the log', query: inclusionQuery } },
  '/log/proof/consistency': { get: { summary: 'Proof that the log has only grown', query: consistencyQuery } },
  '/events': {
    get: {
      summary: 'Uploads, pulls, jobs, attachments and what happens in the cache, as it happens',
      types: ['text/event-stream'],
    },
  },
  '/healthz': { get: { summary: 'Is the process alive?' } },
  '/readyz': { get: { summary: 'Does the registry answer?' } },
  '/openapi.json': { get: { summary: 'This description' } },
  '/upload': { get: { summary: 'The page to upload with', types: ['text/html'] } },
};

const jsonSchema = (schema: z.ZodType): object =>
  z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', target: 'draft-2020-12' });

const pathParameters = (path: string): readonly object[] =>
  [...path.matchAll(/\{(\w+)\}/gu)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));

function queryParameters(query: z.ZodObject): readonly object[] {
  return Object.entries(query.shape).map(([name, schema]) => ({
    name,
    in: 'query',
    required: !z.safeParse(schema, undefined).success,
    schema: jsonSchema(schema as z.ZodType),
  }));
}

function describe(
  path: string,
  { summary, query, body, form, answer = [200], types = [], operator }: Operation,
): object {
  const [status, schema] = answer;
  const json = { 'application/json': { schema: schema === undefined ? {} : jsonSchema(schema) } };
  const content = Object.assign(json, ...types.map((type) => ({ [type]: {} }))) as object;
  return {
    summary,
    parameters: [...pathParameters(path), ...(query === undefined ? [] : queryParameters(query))],
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            content: {
              [form ? 'application/x-www-form-urlencoded' : 'application/json']: { schema: jsonSchema(body) },
            },
          },
        }),
    responses: {
      [status]: { description: 'All is well', ...(status === 204 ? {} : { content }) },
      default: { description: 'A problem document (RFC 9457)', content: { 'application/problem+json': {} } },
    },
    ...(operator === true ? { security: [{ operator: [] }] } : {}),
  };
}

/** The description of the API. */
export function openApiDocument(): object {
  const paths = Object.entries(operations).map(([path, methods]) => [
    path,
    Object.fromEntries(Object.entries(methods).map(([method, operation]) => [method, describe(path, operation)])),
  ]);
  return {
    openapi: '3.1.0',
    info: {
      title: 'Mintmark',
      version: '0.1.0',
      description: 'Signed virtual-machine images: registry, cache and disks',
    },
    paths: Object.fromEntries(paths) as object,
    components: { securitySchemes: { operator: { type: 'http', scheme: 'bearer' } } },
  };
}

export function openApiRoutes(): Router {
  const document = openApiDocument();
  const router = Router();
  router.get('/openapi.json', (_request, response) => {
    response.json(document);
  });
  return router;
}
