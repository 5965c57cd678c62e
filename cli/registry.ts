// `mintmark registry`: rebuild the index, follow other registries, and carry a registry over a gap in one file.
import { type Command } from 'commander';
import { type SettingName } from '../src/config/settings.ts';
import { Fault } from '../src/errors/fault.ts';
import { exitCodes } from '../src/errors/table.ts';
import { type SiteRegistry } from '../src/site/registry.ts';
import { defaultServer } from './api.ts';
import { type CliContext, type CommandGroup } from './context.ts';
import { counting } from './counting.ts';
import { knownVerifier, rememberVerifier } from './known-logs.ts';
import { answer } from './print.ts';
import { exportRegistry } from './registry-export.ts';
import {
  checkBundle,
  follow,
  followedText,
  mustHaveRegistry,
  onSite,
  readBundle,
  type RegistryFlags,
} from './registry-following.ts';
import { remoteRegistry } from './registry-source.ts';
import { configFromFlags, withSettingFlags } from './settings-flags.ts';

const trustFlags: readonly SettingName[] = ['trust', 'allow-legacy'];
const siteFlags: readonly SettingName[] = ['data', 'database', 'log-key', ...trustFlags];

const verifierHelp = "key of the other registry's log, name+hash+key (`mintmark log verify --json` prints it)";

/** A policy that nothing is judged by would be believed to be in force. */
function checkPolicyFlags(flags: RegistryFlags): void {
  if (flags['policy'] === undefined || flags.admitted === true) return;
  throw new Fault('usage', '--policy says what --admitted takes in, and without that it says nothing', {
    action: 'Give both, to take in what the policy admits; or neither, to take in everything.',
  });
}

async function mirror(context: CliContext, address: string, flags: RegistryFlags): Promise<void> {
  checkPolicyFlags(flags);
  const { config } = configFromFlags(context, flags);
  const remote = remoteRegistry(address, context.signal);
  const known = await knownVerifier(config.data, address);
  const verifier = flags.verifier ?? known ?? (await remote.verifier());
  const followed = await onSite(context, config, (site) =>
    follow(context, flags, site, { source: remote.source, verifier }),
  );
  if (verifier !== known) await rememberVerifier(config.data, address, verifier);
  answer(context, flags, { verifier, ...followed }, () =>
    [
      ...(known === undefined && flags.verifier === undefined
        ? [`the log's key is kept from now on: ${verifier}`]
        : []),
      followedText(followed),
    ].join('\n'),
  );
}

async function importBundle(context: CliContext, file: string, flags: RegistryFlags): Promise<void> {
  checkPolicyFlags(flags);
  const bundle = await readBundle(file);
  const verifier = flags.verifier ?? bundle.verifier;
  const { config } = configFromFlags(context, flags);
  const work = (site: SiteRegistry) => follow(context, flags, site, { ...bundle, verifier });
  const followed = await onSite(context, config, work, { carried: bundle.trust });
  answer(context, flags, { verifier, ...followed }, () => `log of ${verifier}\n${followedText(followed)}`);
}

async function verifyBundle(context: CliContext, file: string, flags: RegistryFlags): Promise<void> {
  const checked = await checkBundle(context, flags, file);
  const { verifier, size, created, refused } = checked;
  if (refused.length > 0) process.exitCode = exitCodes.invalid;
  answer(
    context,
    flags,
    { verifier, size, verified: created, refused },
    () => `log of ${verifier}\n${followedText(checked)}`,
  );
}

async function reindexData(context: CliContext, flags: RegistryFlags): Promise<void> {
  const { config } = configFromFlags(context, flags);
  mustHaveRegistry(config);
  const count = counting(context, flags, 'entries');
  const work = ({ registry }: SiteRegistry) =>
    registry.reindex((entries) => {
      if (context.signal.aborted) throw new Fault('cancelled', 'stopped; the index is as it was');
      count.set(entries);
    });
  const result = await onSite(context, config, work, { mode: 'alone' }).finally(() => count.end());
  if (result.failed.length > 0) process.exitCode = exitCodes.invalid;
  answer(context, flags, result, () =>
    [
      `${result.entries} entries, ${result.leaves} decisions`,
      ...result.failed.map(
        ({ identifier, email, created, failures }) =>
          `not found any more: ${identifier} of ${email}, ${created}: ${failures.map(({ message }) => message).join('; ')}`,
      ),
    ].join('\n'),
  );
}

const withJson = (command: Command): Command => command.option('--json', 'print JSON');

export const registryCommands: CommandGroup = (program, context) => {
  const registry = program.command('registry').description('rebuild, mirror, export and import a registry');
  const onData = (command: Command): Command => withJson(withSettingFlags(command, context, siteFlags));

  onData(
    registry.command('reindex').description('make the index again from the signed documents; stop the server first'),
  ).action((flags: RegistryFlags) => reindexData(context, flags));

  const following = (command: Command): Command =>
    withJson(withSettingFlags(command, context, [...siteFlags, 'policy']))
      .option('--admitted', 'only what --policy admits, and what its endorsers say of it later')
      .option('--again', 'look again at everything that was refused or left out before');

  following(
    registry.command('mirror').description('take in what is new in another registry, and prove that it hides nothing'),
  )
    .argument('<url>', 'address of the other registry')
    .option('--verifier <line>', `${verifierHelp}; default: as it was the first time`)
    .action((url: string, flags: RegistryFlags) => mirror(context, url, flags));

  withJson(
    withSettingFlags(
      registry.command('export').description('write a whole registry, log and documents, to one file'),
      context,
      ['database', ...trustFlags],
    ),
  )
    .requiredOption('-o, --output <file>', 'file to write')
    .option('--server <url>', `running registry to export (or MINTMARK_SERVER; default ${defaultServer})`)
    .option('--data <dir>', 'data folder to export, with no server')
    .option('--verifier <line>', `${verifierHelp}; default: what it says itself`)
    .action((flags: RegistryFlags & { readonly output: string }) => exportRegistry(context, flags));

  following(
    registry.command('import').description('take in what is new in an exported file, checked as a mirror checks'),
  )
    .argument('<file>', 'file that "registry export" wrote')
    .option('--verifier <line>', `${verifierHelp}; default: what the file says itself`)
    .action((file: string, flags: RegistryFlags) => importBundle(context, file, flags));

  withJson(
    withSettingFlags(
      registry.command('verify-bundle').description('check an exported file: log, documents and signatures; offline'),
      context,
      trustFlags,
    ),
  )
    .argument('<file>', 'file that "registry export" wrote')
    .option('--verifier <line>', `${verifierHelp}; default: what the file says itself`)
    .action((file: string, flags: RegistryFlags) => verifyBundle(context, file, flags));
};
