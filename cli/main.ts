// The `mintmark` command: one file per group of commands, one place where failures become exit codes.
import { Command, CommanderError } from 'commander';
import { exitCodes } from '../src/errors/table.ts';
import { type CliContext, type CommandGroup } from './context.ts';
import { reportFailure } from './print.ts';

/** By the first word of a command line; only the group that is asked for is loaded, so that commands start at once. */
const groups: Readonly<Record<string, () => Promise<readonly CommandGroup[]>>> = {
  metadata: async () => [
    (await import('./metadata.ts')).metadataGroup,
    (await import('./upload.ts')).uploadCommands,
    (await import('./download.ts')).downloadCommands,
  ],
  image: async () => [(await import('./image.ts')).imageCommands, (await import('./pull.ts')).pullCommands],
  cache: async () => [(await import('./pull.ts')).cacheCommands, (await import('./cache.ts')).upkeepCommands],
  endorser: async () => [(await import('./endorser.ts')).endorserCommands],
  policy: async () => [(await import('./policy.ts')).policyCommands],
  volume: async () => [(await import('./volume.ts')).volumeCommands],
  snapshot: async () => [(await import('./snapshot.ts')).snapshotCommands],
  job: async () => [(await import('./job.ts')).jobCommands],
  log: async () => [(await import('./log.ts')).logCommands],
  registry: async () => [(await import('./registry.ts')).registryCommands],
  iscsi: async () => [(await import('./iscsi.ts')).iscsiGroup],
  serve: async () => [(await import('./serve.ts')).serveCommands],
  demo: async () => [(await import('./demo/command.ts')).demoCommands],
  config: async () => [(await import('./config.ts')).configCommands],
};

async function groupsFor(word: string | undefined): Promise<readonly CommandGroup[]> {
  const asked = word !== undefined && Object.hasOwn(groups, word) ? groups[word] : undefined;
  if (asked !== undefined) return await asked();
  const all = await Promise.all(Object.values(groups).map((load) => load()));
  return all.flat();
}

function processContext(): CliContext {
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort());
  return {
    env: process.env,
    stdout: process.stdout,
    stderr: process.stderr,
    stdin: process.stdin,
    now: () => new Date(),
    signal: interrupted.signal,
  };
}

/** Runs one command line (without node and script) and returns its exit code. */
async function run(argv: readonly string[], context: CliContext): Promise<number> {
  const program = new Command('mintmark')
    .description('Signed virtual-machine images: registry, policy, cache and iSCSI disks')
    .showHelpAfterError('(add --help for what is expected)')
    .exitOverride();
  for (const register of await groupsFor(argv[0])) register(program, context);
  try {
    await program.parseAsync(argv, { from: 'user' });
    return Number(process.exitCode ?? exitCodes.ok);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    return reportFailure(context, error);
  }
}

process.exitCode = await run(process.argv.slice(2), processContext());
