// The `mintmark` command: one file per group of commands, one place where failures become exit codes.
import { Command, CommanderError } from 'commander';
import { exitCodes } from '../src/errors/table.ts';
import { configCommands } from './config.ts';
import { demoCommands } from './demo/command.ts';
import { endorserCommands } from './endorser.ts';
import { imageCommands } from './image.ts';
import { policyCommands } from './policy.ts';
import { serveCommands } from './serve.ts';
import { uploadCommands } from './upload.ts';
import { volumeCommands } from './volume.ts';
import { type CliContext, type CommandGroup } from './context.ts';
import { iscsiGroup } from './iscsi.ts';
import { metadataGroup } from './metadata.ts';
import { reportFailure } from './print.ts';

const groups: readonly CommandGroup[] = [
  metadataGroup,
  uploadCommands,
  imageCommands,
  endorserCommands,
  policyCommands,
  volumeCommands,
  iscsiGroup,
  serveCommands,
  demoCommands,
  configCommands,
];

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
  for (const register of groups) register(program, context);
  try {
    await program.parseAsync(argv, { from: 'user' });
    return Number(process.exitCode ?? exitCodes.ok);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    return reportFailure(context, error);
  }
}

process.exitCode = await run(process.argv.slice(2), processContext());
