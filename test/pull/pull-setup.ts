// A puller with a vault, a folder and a web server of its own, and the signed metadata of bytes.
import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type ImageMetadata } from '../../src/metadata/model.ts';
import { addressPolicy } from '../../src/pull/address-policy.ts';
import { createPuller, type Puller, type PullerSettings } from '../../src/pull/puller.ts';
import { openDirectoryStore } from '../../src/vault/stores/directory.ts';
import { openVault, type Vault } from '../../src/vault/vault.ts';
import { identifierOf, temporaryFolder } from '../vault/fresh-vault.ts';
import { startWebServer, type WebServer } from './web-server.ts';

const digest = (name: string, bytes: Buffer): string => createHash(name).update(bytes).digest('hex');

/** Metadata as they would be signed for `bytes`, with changes. */
export function metadataOf(
  bytes: Buffer,
  locations: readonly string[],
  changes: Partial<ImageMetadata> = {},
): ImageMetadata {
  return {
    identifier: identifierOf(bytes.length % 1000),
    bytes: bytes.length,
    checksums: {
      'MD5': digest('md5', bytes),
      'SHA-1': digest('sha1', bytes),
      'SHA-256': digest('sha256', bytes),
      'SHA-512': digest('sha512', bytes),
    },
    endorsement: {
      created: '2026-01-01T00:00:00Z',
      endorser: { email: 'a@example.org', subject: 'CN=A', issuers: ['CN=A'] },
    },
    type: 'machine',
    kinds: [],
    locations,
    hypervisors: [],
    disksBuses: [],
    inboundPorts: [],
    outboundPorts: [],
    icmp: [],
    foreign: [],
    ...changes,
  };
}

export interface PullSetup {
  readonly web: WebServer;
  readonly vault: Vault;
  readonly puller: Puller;
  /** Every file of the vault and of the folder for pulls. */
  readonly files: () => Promise<string[]>;
  readonly folder: string;
}

export async function pullSetup(settings: Partial<PullerSettings> = {}): Promise<PullSetup> {
  const folder = await temporaryFolder();
  const vault = await openVault({ store: await openDirectoryStore(join(folder, 'vault')), node: 'test' });
  const puller = createPuller({
    vault,
    workDir: join(folder, 'work'),
    allowAddress: addressPolicy(['127.0.0.0/8']),
    ...settings,
    limits: { retryWait: 1, bodyTimeout: 2000, headersTimeout: 2000, ...settings.limits },
  });
  onTestFinished(() => puller.close());
  const files = async (): Promise<string[]> =>
    (await readdir(folder, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) => entry.name);
  return { web: await startWebServer(), vault, puller, files, folder };
}
