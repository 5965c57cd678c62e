// The options that say who signs, and the signer they lead to.
import { type Command } from 'commander';
import { Fault } from '../src/errors/fault.ts';
import { isEncryptedPem, signerFromPem, signerFromPkcs12, type Signer } from '../src/signature/keys.ts';
import { type CliContext } from './context.ts';
import { readInput } from './files.ts';
import { passphraseVariable, readPassphrase } from './passphrase.ts';

export interface KeyOptions {
  readonly p12?: string;
  readonly key?: string;
  readonly cert?: string;
  readonly chain?: string;
  readonly passphraseFile?: string;
}

/** Adds --p12, --key, --cert, --chain and --passphrase-file. */
export function addKeyOptions(command: Command): Command {
  return command
    .option('--p12 <file>', 'PKCS#12 file with the key, its certificate and its chain')
    .option('--key <file>', 'PEM file with the private key (it may hold the certificate too)')
    .option('--cert <file>', 'PEM file with the certificate, and its chain if there is one')
    .option('--chain <file>', 'PEM file with further certificates of the chain')
    .option(
      '--passphrase-file <file>',
      `file whose first line is the passphrase of the key (else ${passphraseVariable}, else a prompt)`,
    );
}

const whichKey = 'Name the files of your key and its certificate; "mintmark metadata keygen" makes new ones.';

/** Opens the key that the options name. Throws a `Fault` where it cannot be used. */
export async function openSigner(context: CliContext, options: KeyOptions): Promise<Signer> {
  if (options.p12 !== undefined) {
    const file = await readInput(options.p12, whichKey);
    return signerFromPkcs12(
      file,
      await readPassphrase(context, options.passphraseFile, `Passphrase of ${options.p12}`),
    );
  }
  if (options.key === undefined)
    throw new Fault('usage', 'Say who signs: --p12 FILE, or --key FILE and --cert FILE.', {
      action: whichKey,
    });
  const keyPem = (await readInput(options.key, whichKey)).toString('utf8');
  const certificates = [keyPem];
  for (const file of [options.cert, options.chain])
    if (file !== undefined) certificates.push((await readInput(file, whichKey)).toString('utf8'));
  const passphrase = isEncryptedPem(keyPem)
    ? await readPassphrase(context, options.passphraseFile, `Passphrase of ${options.key}`)
    : undefined;
  return signerFromPem(keyPem, certificates.join('\n'), passphrase);
}
