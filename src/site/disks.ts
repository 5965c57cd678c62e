// A site's images and disks, wired: vault, volumes, leases, quota, pulls and their upkeep. What is opened is closed in reverse.
import { join } from 'node:path';
import { type Logger } from 'pino';
import { type Config } from '../config/settings.ts';
import { Fault } from '../errors/fault.ts';
import { addressPolicy } from '../pull/address-policy.ts';
import { createPuller, type Puller } from '../pull/puller.ts';
import { suspendedWriters } from '../pull/part-in-vault.ts';
import { type RepairImage } from '../pull/repair-image.ts';
import { type Registry } from '../registry/registry.ts';
import { type SourcesFor } from '../vault/chunk-source.ts';
import { createLeases, type Leases } from '../vault/leases.ts';
import { createQuota, type Quota } from '../vault/quota.ts';
import { type StoredDisk } from '../vault/stored-disk.ts';
import { openVault, type Vault } from '../vault/vault.ts';
import { machineFiles } from '../volumes/files.ts';
import { baseLayerCopies } from '../volumes/local-copies.ts';
import { openVolumes, type Volumes } from '../volumes/volumes.ts';
import { evicted, full, type TellCache } from './cache-events.ts';
import { siteRepair, siteSources } from './repair.ts';
import { openSiteStore, otherVaults } from './store.ts';
import { createUpkeep, type Upkeep } from './upkeep.ts';

/** What volumes' targets are named after (RFC 7143 §4.2.7.4). */
const iqnPrefix = 'iqn.2026-01.io.mintmark';
const hour = 60 * 60 * 1000;

export interface SiteDisksDeps {
  readonly config: Config;
  /** Name of this server. */
  readonly node: string;
  readonly registry: Registry;
  /** Told what happens to images in the cache. */
  readonly tell: TellCache;
  /** Told that something was asked for that has no good copy here any more. */
  readonly onLost: () => void;
  readonly closing: (() => Promise<void> | void)[];
  readonly now: () => Date;
  readonly randomness: (bytes: number) => Buffer;
  readonly log: Logger;
}

export interface SiteDisks {
  readonly vault: Vault;
  /** What jobs about the vault are kept under. */
  readonly place: string;
  readonly volumes: Volumes;
  readonly leases: Leases;
  readonly quota: Quota;
  readonly puller: Puller;
  readonly upkeep: Upkeep;
  readonly repair: RepairImage;
  readonly sourcesFor: SourcesFor;
}

export async function openSiteDisks(deps: SiteDisksDeps): Promise<SiteDisks> {
  const { config, node, registry, tell, onLost, closing, now, randomness, log } = deps;
  const { store, place, node: vaultNode } = await openSiteStore(config, node);
  const workDir = join(config.data, 'pulls');
  const vault = await openVault({
    store,
    node: vaultNode,
    suspended: await suspendedWriters(workDir),
    now,
    indexFile: join(config.data, 'vault-index'),
    onLost,
    onDamage: (copy) => tell({ what: 'damaged', ...copy }),
  });
  const dataDir = join(config.data, 'disks');
  const volumes = await openVolumes({
    dataDir,
    images: { open: (identifier) => openImage(vault, identifier) },
    vault,
    now,
    randomness,
    iqnPrefix,
    onProblem: (error) => log.error({ err: error }, 'a snapshot could not be moved to the vault'),
    onArchived: (archive) => tell({ what: 'archived', ...archive }),
  });
  closing.push(() => volumes.close());
  for (const problem of volumes.damaged()) log.error({ err: problem }, 'a volume is left out');
  const leases = createLeases(vault, {
    inUse: () => volumes.manifestsInUse(),
    isComplete: () => volumes.damaged().length === 0,
  });
  await leases.settle();
  const quota = createQuota(vault, leases, config['vault-quota'], {
    evicted: (image) => tell(evicted(image)),
    full: (plan) => tell(full(plan)),
  });
  const puller = createPuller({
    vault,
    workDir,
    allowAddress: addressPolicy(config['pull-allow']),
    room: (bytes) => quota.reserve(bytes),
    limits: { diskBytes: config['max-image-bytes'] },
    ...(config['pull-rate'] === undefined ? {} : { bytesPerSecond: config['pull-rate'] }),
    now,
  });
  closing.push(() => puller.close());
  await puller.sweep().catch((error: unknown) => log.warn({ err: error }, 'leftovers of pulls stay'));
  const copies = { vault, localCopies: baseLayerCopies(machineFiles, dataDir), otherVaults: otherVaults(config) };
  const repair = siteRepair({ ...copies, registry, puller });
  const upkeep = createUpkeep({
    vault,
    volumes,
    leases,
    grace: config['gc-grace'] * hour,
    evicted: (image) => tell(evicted(image)),
    log,
  });
  return { vault, place, volumes, leases, quota, puller, upkeep, repair, sourcesFor: siteSources(copies) };
}

async function openImage(vault: Vault, identifier: string): Promise<StoredDisk> {
  const image = await vault.image(identifier);
  if (image === undefined) throw new Fault('not-found', `the image ${identifier} is not in the cache`);
  return await vault.openDisk(image.manifestId);
}
