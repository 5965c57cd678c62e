// Passphrases: from a file, from the environment, or from a prompt; never from the command line.
import { password } from '@inquirer/prompts';
import { Fault } from '../src/errors/fault.ts';
import { type CliContext } from './context.ts';
import { readInput } from './files.ts';

/** The environment variable that a passphrase may come from. */
export const passphraseVariable = 'MINTMARK_PASSPHRASE';

/** The first line of the file, the environment, or what is typed. A `Fault` (signature.passphrase) where none can be had. */
export async function readPassphrase(context: CliContext, file: string | undefined, question: string): Promise<string> {
  if (file !== undefined) {
    const [first = ''] = (await readInput(file, 'Name a file whose first line is the passphrase.'))
      .toString('utf8')
      .split(/\r?\n/);
    return first;
  }
  const fromEnvironment = context.env[passphraseVariable];
  if (fromEnvironment !== undefined) return fromEnvironment;
  if (context.stdin.isTTY !== true) {
    throw new Fault('signature.passphrase', 'A passphrase is needed, and there is no terminal to ask for it.');
  }
  return password({ message: question, mask: true }, { input: context.stdin, output: context.stderr });
}
