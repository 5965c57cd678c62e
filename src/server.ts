// Wires the parts of one server from its configuration, and nothing else.
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { type Logger } from 'pino';
import { formatEndpoint, type Endpoint } from './config/endpoint.ts';
import { type Config } from './config/settings.ts';
import { createDelivery } from './delivery/delivery.ts';
import { volumeDirectory } from './delivery/directory.ts';
import { openMail, uploadRules } from './site/confirmation-mail.ts';
import { createApp } from './http/app.ts';
import { EventBoard } from './http/events.ts';
import { boundTo, endServer, listen } from './http/listen.ts';
import { openApiRoutes } from './http/openapi.ts';
import { operatorCheck, requireOperator } from './http/operator.ts';
import { pageRoutes, sitePages } from './http/pages.ts';
import { attachmentRoutes } from './http/routes/attachments/route.ts';
import { presentCached } from './http/routes/cache/present.ts';
import { cacheRoutes } from './http/routes/cache/route.ts';
import { confirmationRoutes } from './http/routes/confirmations/route.ts';
import { endorserRoutes } from './http/routes/endorsers/route.ts';
import { imageRoutes } from './http/routes/images/route.ts';
import { jobRoutes } from './http/routes/jobs/route.ts';
import { logRoutes } from './http/routes/log/route.ts';
import { metadataRoutes } from './http/routes/metadata/route.ts';
import { operationRoutes } from './http/routes/operations/route.ts';
import { policyRoutes } from './http/routes/policy/route.ts';
import { trustRoutes } from './http/routes/trust/route.ts';
import { volumeRoutes } from './http/routes/volumes/route.ts';
import { uploadLimit } from './http/upload-limit.ts';
import { createTarget } from './iscsi/target.ts';
import { nodeName } from './site/node-name.ts';
import { operatorToken } from './site/operator-token.ts';
import { defaultPolicy, judge, verdictBasis } from './policy/policy.ts';
import { watchPolicy, type WatchedPolicy } from './policy/watch.ts';
import { createLocationBook } from './pull/location-health.ts';
import { entryPath } from './pages/links.ts';
import { type Postman } from './registry/confirm/postman.ts';
import { type RegistryEntry } from './registry/entry.ts';
import { entryQuerySchema } from './registry/query.ts';
import { type TellCache } from './site/cache-events.ts';
import { openSiteDisks } from './site/disks.ts';
import { openSiteJobs } from './site/jobs.ts';
import { openSiteRegistry } from './site/registry.ts';
import { createUpkeepJobs } from './site/upkeep-jobs.ts';
import { createUseNotes } from './vault/last-use.ts';
import { lockFolder } from './volumes/lock.ts';

export interface ServerDeps {
  readonly config: Config;
  readonly log: Logger;
  readonly now: () => Date;
  readonly randomness: (bytes: number) => Buffer;
}

export interface RunningServer {
  /** Address of pages and API, with the port in use. */
  readonly url: string;
  readonly iscsi: Endpoint;
  readonly tokenFile: string;
  /** Ends sessions and requests, and closes every file. */
  close(): Promise<void>;
}

/** Starts everything. What it began is undone where a part cannot start. */
export async function startServer({ config, log, now, randomness }: ServerDeps): Promise<RunningServer> {
  const closing: (() => Promise<void> | void)[] = [];
  const close = async (): Promise<void> => {
    for (const step of closing.splice(0).reverse()) await step();
  };
  try {
    return { ...(await wire()), close };
  } catch (error) {
    await close();
    throw error;
  }

  async function wire(): Promise<Omit<RunningServer, 'close'>> {
    mkdirSync(config.data, { recursive: true });
    // Before anything is opened: a second server would take what this one is writing for what a dead one left.
    const lock = lockFolder(config.data);
    closing.push(() => lock.release());
    const operator = operatorToken(config.data, randomness);
    const policy = openPolicy(config.policy, log);
    closing.push(() => policy.close());
    const judged = (entry: RegistryEntry) => judge(policy.current, entry, now());
    const admits = (entry: RegistryEntry): boolean => judged(entry).admitted;
    const admission = { admits, basis: () => verdictBasis(policy.current, now()) };

    const site = await openSiteRegistry(config, { now, admission, rules: uploadRules(config) });
    closing.push(() => site.close());
    const { registry, decisions } = site;
    const node = nodeName(config.data, randomness);

    const events = new EventBoard();
    const tell: TellCache = (event) => events.announce({ type: 'cache', data: event });
    let repairSoon: (() => void) | undefined;
    const disks = await openSiteDisks({
      config,
      node,
      registry,
      tell,
      onLost: () => repairSoon?.(),
      closing,
      now,
      randomness,
      log,
    });
    const { vault, volumes, leases, quota, puller, upkeep } = disks;
    const book = createLocationBook(vault, puller.probe);
    const { jobs, pulls, repairs } = await openSiteJobs({
      ...disks,
      book,
      config,
      db: site.db,
      node,
      registry,
      events,
      tell,
      now,
      randomness,
      log,
    });
    closing.push(() => jobs.close());
    repairSoon = () => repairs.soon();

    const target = await createTarget({
      portals: [config.iscsi],
      directory: volumeDirectory(volumes, config['iscsi-physical-block']),
      log: (level, message, details) => log[level](details, message),
    });
    closing.push(() => target.close());
    volumes.onDetach(({ iqn, initiator }) => target.endSessions(iqn, initiator));
    const portal = target.portals[0] ?? config.iscsi;

    const noteUse = createUseNotes(vault);
    const delivery = createDelivery({
      registry,
      policy: () => policy.current,
      volumes,
      pulls: {
        begin: (entry) => pulls.begin(entry),
        pull: async (entry) => {
          await pulls.pull(entry);
          await noteUse(entry.key.identifier);
        },
      },
      hold: (identifier) => leases.hold(identifier),
      used: (identifier) => void noteUse(identifier),
      now,
    });
    let url = '';
    let postman: Postman | undefined;
    const pages = sitePages({
      registry,
      judge: judged,
      hasPolicy: config.policy !== undefined,
      // A vault that is away is no reason to withhold an entry.
      cached: (identifier) =>
        Promise.all([vault.image(identifier), pulls.newest(identifier)]).then(
          ([image, newest]) => presentCached(image, newest),
          () => undefined,
        ),
      locations: (metadata) => book.read(metadata),
      origin: () => url,
      site: { name: 'Mintmark', hasLog: true },
    });
    const uploads = uploadLimit(config['upload-limit']);
    const edition = randomness(9).toString('base64url');
    const isOperator = operatorCheck(operator.token);
    const operatorOnly = requireOperator(isOperator);
    const app = createApp({
      routes: [
        metadataRoutes({ registry, events, pages, uploadLimit: uploads, waits: () => postman?.nudge(), edition }),
        confirmationRoutes({
          registry,
          pages,
          uploadLimit: uploads,
          published: (key) => events.announce({ type: 'entry', data: { ...key, path: entryPath(key) } }),
        }),
        endorserRoutes(registry, pages),
        trustRoutes(site.trust),
        policyRoutes({ policy, registry, now, pages }),
        imageRoutes({
          registry,
          admits,
          cached: (identifier) => vault.image(identifier),
          book,
          operator: operatorOnly,
        }),
        cacheRoutes({
          vault,
          pulls,
          puller,
          delivery,
          upkeep,
          upkeepJobs: createUpkeepJobs(jobs, upkeep),
          tell,
          quota,
          operator: operatorOnly,
        }),
        jobRoutes({ jobs, operator: operatorOnly, isOperator }),
        volumeRoutes({
          volumes,
          delivery,
          operator: operatorOnly,
          resized: (uuid) => target.capacityChanged(uuid),
        }),
        attachmentRoutes({
          volumes,
          delivery,
          operator: operatorOnly,
          events,
          portal: () => config['iscsi-address'] ?? portal,
        }),
        logRoutes(decisions, operatorOnly, pages),
        operationRoutes({ events, ready: () => registry.find(oneEntry).then(() => undefined) }),
        pageRoutes(pages),
        openApiRoutes(),
      ],
      staticFolder: fileURLToPath(new URL('pages/static', import.meta.url)),
      errorPage: (problem) => pages.failure(problem),
      trustedProxies: config['trusted-proxies'],
      log,
    });
    const server = createServer(app);
    await listen(server, config.http);
    closing.push(
      () => endServer(server),
      () => events.close(),
      () => upkeep.close(),
      // Requests wait for jobs, and jobs do the upkeep: these are handed back first.
      () => jobs.close(),
    );
    await jobs.begin();
    // What was lost while no server ran is not left for the first reader to find.
    if (vault.isSuspect) repairs.soon();
    url = config['public-url'] ?? `http://${formatEndpoint(boundTo(server, config.http))}`;
    postman = openMail(config, {
      site,
      now,
      randomness,
      origin: () => url,
      problem: (error) => log.warn({ err: error }, 'a mail could not be sent'),
    });
    closing.push(() => postman?.close());
    log.info({ url, iscsi: formatEndpoint(portal), data: config.data }, 'serving');
    return { url, iscsi: portal, tokenFile: operator.file };
  }
}

/** The largest page that a readiness check needs. */
const oneEntry = entryQuerySchema.parse({ limit: 1 });

function openPolicy(file: string | undefined, log: Logger): Pick<WatchedPolicy, 'current' | 'problem' | 'close'> {
  if (file === undefined) return { current: defaultPolicy, problem: undefined, close: () => undefined };
  return watchPolicy(file, {
    changed: () => log.info({ file }, 'the policy has changed'),
    refused: (problem) => log.error({ err: problem, file }, 'the policy is wrong; the one before stays in force'),
  });
}
