// What the pages show, gathered from the registry and the policy.
import { Router, type Request } from 'express';
import { type Fault } from '../errors/fault.ts';
import { browsePage } from '../pages/browse.tsx';
import { confirmationPage, declinedPage, waitingPage } from '../pages/confirmation.tsx';
import { endorserPage, endorsersPage } from '../pages/endorsers.tsx';
import { entryPage } from '../pages/entry.tsx';
import { errorPage } from '../pages/error.tsx';
import { logPage } from '../pages/log.tsx';
import { policyPage } from '../pages/policy.tsx';
import { uploadPage } from '../pages/upload.tsx';
import {
  type CacheView,
  type EntryView,
  type FailureView,
  type LocationView,
  type OperatorView,
  type SiteView,
} from '../pages/view.ts';
import { type ImageMetadata } from '../metadata/model.ts';
import { type Judgement } from '../policy/policy.ts';
import { type RegistryEntry } from '../registry/entry.ts';
import { entryQuerySchema, type EntryQuery } from '../registry/query.ts';
import { type Registry } from '../registry/registry.ts';
import { type ConfirmationPages } from './routes/confirmations/route.ts';
import { type EndorserPages } from './routes/endorsers/route.ts';
import { type LogPages } from './routes/log/route.ts';
import { type PolicyPages } from './routes/policy/route.ts';
import { type MetadataPages } from './routes/metadata/route.ts';
import { parseInput } from './parse.ts';
import { problemOf, type Problem } from './problems.ts';

export interface PagesDeps {
  readonly registry: Registry;
  readonly judge: (entry: RegistryEntry) => Judgement;
  /** Whether the site has a policy of its own: without one, lists need not say what is admitted. */
  readonly hasPolicy: boolean;
  /** What the cache has of an image; undefined where it does not answer. */
  readonly cached: (identifier: string) => Promise<CacheView | undefined>;
  /** What is known of the locations of an image. */
  readonly locations: (metadata: ImageMetadata) => Promise<readonly LocationView[]>;
  /** Address of the site as its users see it. */
  readonly origin: () => string;
  readonly site: SiteView;
  /** Who is signed in. */
  readonly operatorOf: (request: Request) => OperatorView | undefined;
}

export interface SitePages extends MetadataPages, EndorserPages, LogPages, ConfirmationPages, PolicyPages {
  upload(): string;
  failure(problem: Problem): string;
}

/** Parameters that say which part of the list is shown, not what it is of. */
const paging = new Set(['cursor', 'limit', 'media']);

function chosenOf(query: Request['query']): Readonly<Record<string, string>> {
  const stated = Object.entries(query).filter(
    (pair): pair is [string, string] => typeof pair[1] === 'string' && pair[1] !== '' && !paging.has(pair[0]),
  );
  return Object.fromEntries(stated);
}

const failuresOf = ({ failures }: Readonly<Record<string, unknown>>): readonly FailureView[] =>
  Array.isArray(failures) ? (failures as readonly FailureView[]) : [];

export function sitePages({
  registry,
  judge,
  hasPolicy,
  cached,
  locations,
  origin,
  site,
  operatorOf,
}: PagesDeps): SitePages {
  const judged = (entries: readonly RegistryEntry[]): readonly EntryView[] =>
    hasPolicy ? entries.map((entry) => ({ ...entry, admitted: judge(entry).admitted })) : entries;
  return {
    showsAdmission: hasPolicy,

    async list(query: EntryQuery, request, path) {
      const { entries, total, exact, facets, next } = await registry.find(query);
      return browsePage({
        site,
        entries: judged(entries),
        total,
        exact,
        facets,
        chosen: { ...chosenOf(request.query), ...path },
        first: query.cursor === undefined,
        ...(next === undefined ? {} : { next }),
      });
    },

    async entry(entry, request) {
      const { identifier, email } = entry.key;
      const [history, endorsements] = await Promise.all([
        registry.history(identifier, email),
        registry.image(identifier),
      ]);
      const others = endorsements.filter(({ key }) => key.email !== email);
      const cache = await cached(identifier);
      const operator = operatorOf(request);
      return entryPage({
        site,
        entry,
        history,
        others,
        judgement: judge(entry),
        ...(cache === undefined ? {} : { cache }),
        ...(operator === undefined ? {} : { operator }),
        health: await locations(entry.metadata),
        origin: origin(),
      });
    },

    uploadFailed(fault: Fault) {
      const { title, detail } = problemOf(fault);
      return uploadPage({ site, refused: { title, detail, failures: failuresOf(fault.details) } });
    },

    waiting: ({ email, expiresAt }) => waitingPage({ site, email, expiresAt }),

    confirmation: (token, awaited) => confirmationPage({ site, token, ...awaited }),

    declined: () => declinedPage(site),

    endorsers({ endorsers, total, next }, first) {
      return endorsersPage({ site, endorsers, total, first, ...(next === undefined ? {} : { next }) });
    },

    async endorser({ tags, ...endorser }) {
      const { entries } = await registry.find(parseInput(entryQuerySchema, { email: endorser.email, status: 'all' }));
      return endorserPage({ site, endorser, tags, entries: judged(entries) });
    },

    policy: (view) => policyPage({ site, ...view }),

    log: (view) => logPage({ site, ...view }),

    upload: () => uploadPage({ site }),

    failure: ({ status, code, title, detail, action, ...particulars }) =>
      errorPage({ site, status, code, title, detail, action, failures: failuresOf(particulars) }),
  };
}

/** Pages that show nothing of the registry. */
export function pageRoutes(pages: SitePages): Router {
  const router = Router();
  router.get('/upload', (_request, response) => {
    response.type('html').send(pages.upload());
  });
  return router;
}
