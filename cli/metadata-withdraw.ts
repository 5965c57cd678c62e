// `mintmark metadata deprecate` and `revoke`: what an endorser says later about an image, signed like the first word.
import { type Command } from 'commander';
import { Fault } from '../src/errors/fault.ts';
import { setProperties, type PropertyChange } from '../src/metadata/edit.ts';
import { isIdentifier } from '../src/metadata/identifier.ts';
import { formatTimestamp, isTimestamp } from '../src/metadata/values.ts';
import { deprecation, withdrawalProperties } from '../src/metadata/withdrawal.ts';
import { type CliContext } from './context.ts';
import { readDocument } from './metadata-file.ts';
import { addKeyOptions, type KeyOptions } from './metadata-key.ts';
import { signAndWrite, targetOf } from './metadata-sign.ts';

interface LaterOptions extends KeyOptions {
  readonly reason: string;
  readonly replacedBy?: string;
  readonly from?: string;
  readonly output?: string;
  readonly inPlace?: boolean;
  readonly created?: string;
  readonly email?: string;
  readonly json?: boolean;
}

function addLater(metadata: Command, name: string, description: string, reason: string): Command {
  const command = metadata
    .command(name)
    .description(description)
    .argument('<file>', "the document, signed or not ('-' for standard input)")
    .requiredOption('--reason <text>', reason)
    .option('-o, --output <file>', 'where the signed document goes (default: standard output)')
    .option('--in-place', 'replace the file by the signed document')
    .option('--created <time>', 'time of the endorsement, YYYY-MM-DDThh:mm:ssZ (default: now)')
    .option('--email <address>', 'your address, where the certificate has none')
    .option('--json', 'print the entry that was made as JSON (needs --output or --in-place)');
  return addKeyOptions(command);
}

/** Adds both commands. */
export function addWithdraw(metadata: Command, context: CliContext): void {
  addLater(
    metadata,
    'deprecate',
    'Advise against an image: a newer entry with the reason, signed; upload it like any other',
    'why the image should not be used any more',
  )
    .option('--replaced-by <identifier>', 'identifier of the image to use instead')
    .action((file: string, options: LaterOptions) => {
      if (options.replacedBy !== undefined && !isIdentifier(options.replacedBy)) {
        throw new Fault('usage', `${options.replacedBy} is no identifier: they have 27 digits of A-Z a-z 0-9 - _.`);
      }
      return publish(context, file, deprecation(options.reason, options.replacedBy), options);
    });
  addLater(
    metadata,
    'revoke',
    'Take an endorsement back: a newer entry that says from when on it does not hold, signed; upload it like any other',
    'why the endorsement is withdrawn',
  )
    .option('--from <time>', 'from when on nobody should rely on the image, YYYY-MM-DDThh:mm:ssZ (default: now)')
    .action((file: string, options: LaterOptions) => {
      const from = options.from ?? formatTimestamp(context.now());
      if (!isTimestamp(from)) throw new Fault('usage', `${from} is no time such as 2026-03-01T12:00:00Z.`);
      return publish(context, file, withdrawalProperties({ from, reason: options.reason }), options);
    });
}

async function publish(
  context: CliContext,
  file: string,
  changes: readonly PropertyChange[],
  options: LaterOptions,
): Promise<void> {
  if (options.reason.trim() === '') throw new Fault('usage', 'Say why, with --reason.');
  const target = targetOf(file, options);
  await signAndWrite(context, setProperties(await readDocument(context, file), changes), target, options);
}
