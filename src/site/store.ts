// The vault of a site as the configuration says: a folder or a bucket, and who shares it.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Config } from '../config/settings.ts';
import { parseVaultLocation, type VaultLocation } from '../config/vault-location.ts';
import { Fault } from '../errors/fault.ts';
import { type ObjectStore } from '../vault/object-store.ts';
import { openDirectoryStore } from '../vault/stores/directory.ts';
import { openS3Store } from '../vault/stores/s3.ts';

export type VaultConfig = Pick<
  Config,
  'data' | 'vault' | 'vault-access-key' | 'vault-secret-key' | 'vault-secret-file' | 'redis' | 'database'
>;

export interface SiteStore {
  readonly store: ObjectStore;
  /** Name of this server among those that share the store. */
  readonly node: string;
  /** What jobs about this vault are kept under: servers that share the vault and the database share its jobs. */
  readonly place: string;
}

/** Throws `config.invalid` where servers would share a queue, but not what its jobs are about. */
export function checkSharing({ redis, database, vault }: VaultConfig): void {
  if (redis === undefined) return;
  const lacks = [
    ...(database === undefined ? ['a database in PostgreSQL (--database)'] : []),
    ...(vault === undefined || parseVaultLocation(vault)?.kind === 'folder' ? ['a vault in S3 (--vault)'] : []),
  ];
  if (lacks.length === 0) return;
  throw new Fault('config.invalid', `A queue in Redis is for servers that share ${lacks.join(' and ')}`, {
    action: 'Set these too, or leave --redis out: a server by itself needs no queue beside its database.',
  });
}

async function secretKey(config: VaultConfig): Promise<string> {
  const { 'vault-secret-key': key, 'vault-secret-file': file } = config;
  if (key !== undefined) return key;
  if (file === undefined) {
    throw new Fault('config.invalid', 'a vault in S3 needs the keys of an account', {
      action:
        'Set MINTMARK_VAULT_ACCESS_KEY, and MINTMARK_VAULT_SECRET_KEY or a file with the secret key (--vault-secret-file).',
    });
  }
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    throw new Fault('config.unreadable', `the file ${file} with the secret key of the vault cannot be read`, {
      cause: error,
    });
  }
}

async function openBucket(
  location: Extract<VaultLocation, { kind: 's3' }>,
  config: VaultConfig,
  use: 'own' | 'read' = 'own',
): Promise<ObjectStore> {
  const { host, port, tls, bucket, region } = location;
  const keys = { accessKey: config['vault-access-key'] ?? '', secretKey: await secretKey(config) };
  const place = {
    endpoint: host,
    tls,
    bucket,
    ...keys,
    ...(port === undefined ? {} : { port }),
    ...(region === undefined ? {} : { region }),
  };
  return await openS3Store(place, use);
}

/** The vaults that repairs may read: each is opened when it is needed, and nothing is written into it. */
export function otherVaults(
  config: VaultConfig & Pick<Config, 'repair-from'>,
): readonly { readonly name: string; readonly open: () => Promise<ObjectStore> }[] {
  return config['repair-from'].map((text) => ({
    name: `the vault ${text}`,
    async open() {
      const location = parseVaultLocation(text);
      if (location?.kind === 's3') return await openBucket(location, config, 'read');
      return await openDirectoryStore(location?.path ?? text, 'read');
    },
  }));
}

/** Opens the store of the vault. Throws `config.invalid`, `config.unreadable`, `vault.unavailable`. */
export async function openSiteStore(config: VaultConfig, node: string): Promise<SiteStore> {
  checkSharing(config);
  // A vault in the data folder has always been of one server, and is known by this name.
  if (config.vault === undefined)
    return { store: await openDirectoryStore(join(config.data, 'vault')), node: 'embedded', place: node };
  const location = parseVaultLocation(config.vault);
  if (location === undefined) throw new Fault('config.invalid', '--vault is neither a folder nor a bucket');
  if (location.kind === 'folder') return { store: await openDirectoryStore(location.path), node, place: node };
  const { host, port, bucket } = location;
  return {
    store: await openBucket(location, config),
    node,
    place: `s3:${host}${port === undefined ? '' : `:${port}`}/${bucket}`,
  };
}
