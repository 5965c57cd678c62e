// The registry of a site: database, log key and trust as the configuration says, for the server and for commands alike.
import { existsSync, mkdirSync } from 'node:fs';
import { availableParallelism, hostname } from 'node:os';
import { join } from 'node:path';
import { type Config } from '../config/settings.ts';
import { Fault } from '../errors/fault.ts';
import { openDatabase, type Database, type PostgresLocation, type SqliteLocation } from '../db/database.ts';
import { holdDatabase, type HoldMode } from '../db/hold.ts';
import { type Admission } from '../registry/admitted.ts';
import { identifyLog } from '../registry/log/identity.ts';
import { loadLogKey } from '../registry/log/key.ts';
import { openLog, type RegistryLog } from '../registry/log/log.ts';
import { openRegistry, type Registry } from '../registry/registry.ts';
import { type SubmitRules } from '../registry/submit.ts';
import { loadTrustFolder } from '../trust/folder.ts';
import { readTrustMaterial, writeTrustMaterial, type TrustMaterial } from '../trust/material.ts';
import { openVerifierPool, type VerifierPool } from '../trust/pool.ts';
import { type VerifyDocument } from '../trust/report.ts';
import { type TrustSettings } from '../trust/settings.ts';

export type SiteConfig = Pick<
  Config,
  'data' | 'database' | 'log-name' | 'log-key' | 'public-url' | 'trust' | 'allow-legacy'
>;

export interface SiteDeps {
  readonly now: () => Date;
  readonly admission?: Admission;
  readonly rules?: SubmitRules;
  /** What came with documents from elsewhere. */
  readonly carried?: TrustMaterial;
}

export interface SiteRegistry {
  readonly db: Database;
  readonly verify: VerifyDocument;
  readonly registry: Registry;
  readonly decisions: RegistryLog;
  readonly trust: TrustMaterial;
  /** Ends the checks and closes the database. */
  close(): Promise<void>;
}

/** Threads that read the database: two even on one core, so that a long search does not hold up the short ones. */
const readers = Math.min(4, Math.max(2, availableParallelism()));

const locationOf = ({ data, database }: SiteConfig): SqliteLocation | PostgresLocation =>
  database === undefined ? { file: join(data, 'registry.sqlite'), readers } : { url: database };

const logKeyFile = ({ data, 'log-key': file }: SiteConfig): string => file ?? join(data, 'log.key');

function makeFolder(data: string): void {
  try {
    mkdirSync(data, { recursive: true });
  } catch (cause) {
    throw new Fault('config.invalid', `${data} cannot be a data folder`, {
      cause,
      action: 'Name a folder with --data: one that is there, or one that can be made.',
    });
  }
}

/** Whether a registry was ever opened with this configuration. */
export function hasRegistry(config: SiteConfig): boolean {
  const location = locationOf(config);
  return existsSync('file' in location ? location.file : logKeyFile(config));
}

/** The name of a log where none is set: what stands before it in an address, without the scheme. */
export function usualLogName(publicUrl: string | undefined, machine: string): string {
  const url = publicUrl === undefined ? undefined : new URL(publicUrl);
  const site = url === undefined ? machine : `${url.host}${url.pathname.replace(/\/+$/u, '')}`;
  return `${site.replaceAll(/[\s+]/gu, '-')}/log`;
}

interface SiteTrust {
  readonly settings: TrustSettings;
  /** What the site trusts, for others to take along. */
  readonly material: TrustMaterial;
}

/**
 * Without a folder of trusted certificates, endorsers vouch for themselves: what their names are worth is for readers to
 * judge. `carried` came with documents from elsewhere: its revocation lists count where an authority of this site signed them.
 */
async function siteTrust(config: SiteConfig, now: () => Date, carried?: TrustMaterial): Promise<SiteTrust> {
  const common = { allowLegacy: config['allow-legacy'], now };
  if (config.trust === undefined) {
    return {
      settings: { ...common, acceptSelfSigned: true },
      material: { certificates: [], revocationLists: [] },
    };
  }
  const folder = await loadTrustFolder(config.trust);
  const { authorities, pinned } = folder;
  const more = carried === undefined ? [] : readTrustMaterial({ ...carried, certificates: [] }).revocationLists;
  const revocationLists = [...folder.revocationLists, ...more];
  return { settings: { ...common, authorities, pinned, revocationLists }, material: writeTrustMaterial(folder) };
}

/**
 * Checks the documents of a bundle, in threads: as this site does where it has a trust folder; else by the certificates
 * that came with them, which vouch for themselves then. Close it at the end.
 */
export async function bundleVerifiers(
  config: SiteConfig,
  now: () => Date,
  carried: TrustMaterial | undefined,
): Promise<VerifierPool> {
  if (config.trust !== undefined || carried === undefined || carried.certificates.length === 0) {
    return openVerifierPool((await siteTrust(config, now, carried)).settings);
  }
  const { authorities, pinned, revocationLists } = readTrustMaterial(carried);
  return openVerifierPool({ authorities, pinned, revocationLists, allowLegacy: config['allow-legacy'], now });
}

/**
 * Opens the registry, made where it is missing. Close it at the end. `mode` says whether others may work with it
 * meanwhile. Throws `db.in-use` where that is not so.
 */
export async function openSiteRegistry(
  config: SiteConfig,
  deps: SiteDeps,
  mode: HoldMode = 'together',
): Promise<SiteRegistry> {
  const closing: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const step of closing.splice(0).reverse()) await step();
  };
  try {
    const location = locationOf(config);
    makeFolder(config.data);
    const hold = await holdDatabase(location, mode);
    closing.push(() => hold.release());
    const db = await openDatabase(location);
    closing.push(() => db.close());
    const names = { wanted: config['log-name'], usual: usualLogName(config['public-url'], hostname()) };
    const signer = await identifyLog(db, names, (name, make) => loadLogKey(logKeyFile(config), name, make));
    const { settings, material } = await siteTrust(config, deps.now, deps.carried);
    const verifiers = openVerifierPool(settings);
    closing.push(() => verifiers.close());
    const { verify } = verifiers;
    const registry = openRegistry({ ...deps, db, verify });
    return { db, verify, registry, decisions: openLog(db, signer), trust: material, close };
  } catch (error) {
    await close();
    throw error;
  }
}
