// What the registry commands share: the registry of a data folder, and following another's log with a count of what came.
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { openDatabase } from '../src/db/database.ts';
import { Fault } from '../src/errors/fault.ts';
import { openBundle, type Bundle } from '../src/registry/mirror/bundle.ts';
import { followLog, type Followed } from '../src/registry/mirror/follow.ts';
import { type TrustMaterial } from '../src/trust/material.ts';
import { openRegistry } from '../src/registry/registry.ts';
import { type HoldMode } from '../src/db/hold.ts';
import {
  bundleVerifiers,
  hasRegistry,
  openSiteRegistry,
  type SiteConfig,
  type SiteRegistry,
} from '../src/site/registry.ts';
import { type CliContext } from './context.ts';
import { counting } from './counting.ts';
import { fileFault } from './files.ts';
import { table } from './print.ts';
import { wantedByPolicy } from './registry-policy.ts';
import { configFromFlags } from './settings-flags.ts';

export type RegistryFlags = Readonly<Record<string, unknown>> & {
  readonly json?: boolean;
  readonly verifier?: string;
  readonly output?: string;
  readonly server?: string;
  readonly data?: string;
  readonly database?: string;
  readonly admitted?: boolean;
  readonly again?: boolean;
};

export interface SiteWork {
  /** Whether others may work with the registry meanwhile. */
  readonly mode?: HoldMode;
  /** What came with the documents that are taken in. */
  readonly carried?: TrustMaterial | undefined;
}

/** Runs `work` on the registry of the data folder, or of the database that is set. */
export async function onSite<Result>(
  context: CliContext,
  config: SiteConfig,
  work: (site: SiteRegistry) => Promise<Result>,
  { mode = 'together', carried }: SiteWork = {},
): Promise<Result> {
  const deps = { now: context.now, ...(carried === undefined ? {} : { carried }) };
  const site = await openSiteRegistry(config, deps, mode);
  try {
    return await work(site);
  } finally {
    await site.close();
  }
}

/** Throws `usage` where the data folder has none: only what takes entries in makes a new one. */
export function mustHaveRegistry(config: SiteConfig): void {
  if (hasRegistry(config)) return;
  const place = config.database === undefined ? '' : ', where the key of its log would be';
  throw new Fault('usage', `there is no registry in ${config.data}${place}`, {
    action: 'Name the data folder of a server with --data, and its database with --database where it has one.',
  });
}

/** Opens an exported file. Throws `usage` where it cannot be read. */
export async function readBundle(file: string): Promise<Bundle> {
  const action = 'Name a file that "mintmark registry export" wrote.';
  try {
    await access(file, constants.R_OK);
    if ((await stat(file)).isFile()) return await openBundle(file);
  } catch (error) {
    if (error instanceof Fault) throw error;
    throw fileFault('read', file, error, action);
  }
  throw new Fault('usage', `${file} cannot be read: it is no file`, { action });
}

/** Follows a log into this registry, or into one that is forgotten afterwards. */
export async function follow(
  context: CliContext,
  flags: RegistryFlags,
  { db, registry, verify }: Pick<SiteRegistry, 'db' | 'registry' | 'verify'>,
  { source, verifier }: Pick<Bundle, 'source' | 'verifier'>,
): Promise<Followed> {
  const count = counting(context, flags, 'documents');
  try {
    const accept = async (bytes: Buffer) => {
      if (context.signal.aborted) throw new Fault('cancelled', 'stopped; what was taken in is kept');
      const accepted = await registry.accept(bytes, {});
      count.add(1);
      return accepted;
    };
    const { policy } = configFromFlags(context, flags).config;
    const wants = flags.admitted === true ? { wants: wantedByPolicy(policy, context.now, { registry, verify }) } : {};
    return await followLog({ db, accept, ...wants }, source, verifier, { again: flags.again === true });
  } finally {
    count.end();
  }
}

/** Checks a bundle by following it into a registry in memory. */
export async function checkBundle(
  context: CliContext,
  flags: RegistryFlags,
  file: string,
): Promise<Followed & { verifier: string }> {
  const bundle = await readBundle(file);
  const verifier = flags.verifier ?? bundle.verifier;
  const verifiers = await bundleVerifiers(configFromFlags(context, flags).config, context.now, bundle.trust);
  const db = await openDatabase({ file: ':memory:' });
  try {
    const { verify } = verifiers;
    const registry = openRegistry({ db, verify, now: context.now });
    return { verifier, ...(await follow(context, flags, { db, registry, verify }, { ...bundle, verifier })) };
  } finally {
    await verifiers.close();
    await db.close();
  }
}

export function followedText({ size, created, unchanged, left, refused }: Followed): string {
  const lines = [`${size} decisions, proven; ${created} entries are new here, ${unchanged} were here already`];
  if (left > 0) lines.push(`${left} were left out, because the policy does not admit them`);
  if (refused.length === 0) return lines.join('\n');
  const rows = refused.map(({ seq, code, message }) => [String(seq), code, message]);
  return [
    ...lines,
    `${refused.length} were accepted there, but not here:`,
    table([['seq', 'code', 'why'], ...rows]),
  ].join('\n');
}
