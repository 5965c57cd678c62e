// The registry in a data folder: database, log key and trust as the configuration says, for the server and for commands alike.
import { join } from 'node:path';
import { type Config } from './config/settings.ts';
import { openDatabase, type Database } from './db/database.ts';
import { type RegistryEntry } from './registry/entry.ts';
import { loadLogKey } from './registry/log/key.ts';
import { openLog, type RegistryLog } from './registry/log/log.ts';
import { openRegistry, type Registry } from './registry/registry.ts';
import { loadTrustFolder } from './trust/folder.ts';
import { openVerifierPool, type VerifierPool } from './trust/pool.ts';
import { type TrustSettings } from './trust/settings.ts';

export type SiteConfig = Pick<Config, 'data' | 'trust' | 'allow-legacy'>;

export interface SiteRegistry {
  readonly db: Database;
  readonly registry: Registry;
  readonly decisions: RegistryLog;
  /** Ends the checks and closes the database. */
  close(): Promise<void>;
}

/** The database file of the registry in a data folder. */
export const registryFile = (data: string): string => join(data, 'registry.sqlite');

/** Without a folder of trusted certificates, endorsers vouch for themselves: what their names are worth is for readers to judge. */
async function trustSettings(config: SiteConfig, now: () => Date): Promise<TrustSettings> {
  const trusted = config.trust === undefined ? { acceptSelfSigned: true } : await loadTrustFolder(config.trust);
  return { ...trusted, allowLegacy: config['allow-legacy'], now };
}

/** Checks documents as this site does, in threads with a time limit for each document. Close it at the end. */
export async function siteVerifiers(config: SiteConfig, now: () => Date): Promise<VerifierPool> {
  return openVerifierPool(await trustSettings(config, now));
}

/** Opens the registry in the data folder, made where it is missing. Close it at the end. */
export async function openSiteRegistry(
  config: SiteConfig,
  deps: { readonly now: () => Date; readonly admits?: (entry: RegistryEntry) => boolean },
): Promise<SiteRegistry> {
  const signer = await loadLogKey(join(config.data, 'log.key'), 'mintmark');
  const db = await openDatabase({ file: registryFile(config.data) });
  const verifiers = await siteVerifiers(config, deps.now);
  return {
    db,
    registry: openRegistry({ ...deps, db, verify: verifiers.verify }),
    decisions: openLog(db, signer),
    close: async () => {
      await verifiers.close();
      await db.close();
    },
  };
}
