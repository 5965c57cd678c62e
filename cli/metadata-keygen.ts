// `mintmark metadata keygen`: a new key, with a self-signed certificate or a request for one.
import { writeFile } from 'node:fs/promises';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { Fault } from '../src/errors/fault.ts';
import { generateCertificate, generateRequest, keyTypes, type KeyType } from '../src/signature/generate.ts';
import { type CliContext } from './context.ts';
import { passphraseVariable, readPassphrase } from './passphrase.ts';
import { answer } from './print.ts';

interface KeygenOptions {
  readonly name: string;
  readonly email: string;
  readonly organization?: string;
  readonly country?: string;
  readonly type: KeyType;
  readonly days: number;
  readonly key: string;
  readonly cert: string;
  readonly csr?: string;
  readonly encrypt?: boolean;
  readonly passphraseFile?: string;
  readonly force?: boolean;
  readonly json?: boolean;
}

function days(text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new InvalidArgumentError('A number of days from 1 to 99999 is expected.');
  return Number(text);
}

/** Adds the command. */
export function addKeygen(metadata: Command, context: CliContext): void {
  metadata
    .command('keygen')
    .description('Make a key to sign with, and a self-signed certificate with your e-mail address or a request for one')
    .requiredOption('--name <name>', 'your name')
    .requiredOption('--email <address>', 'your e-mail address: the endorser that people will see')
    .option('--organization <name>', 'your organization')
    .option('--country <code>', 'two letters')
    .addOption(new Option('--type <type>', 'type of the key').choices(keyTypes).default('rsa-3072'))
    .option('--days <days>', 'how long the certificate is valid', days, 365)
    .option('--key <file>', 'where the private key goes', 'mintmark.key')
    .option('--cert <file>', 'where the certificate goes', 'mintmark.crt')
    .option('--csr <file>', 'write a request for an authority to this file instead of a self-signed certificate')
    .option('--encrypt', `protect the key by a passphrase (from ${passphraseVariable} or a prompt)`)
    .option('--passphrase-file <file>', 'protect the key by the passphrase in the first line of this file')
    .option('--force', 'overwrite files that are there')
    .option('--json', 'print where the files are as JSON')
    .action((options: KeygenOptions) => keygen(context, options));
}

async function keygen(context: CliContext, options: KeygenOptions): Promise<void> {
  const subject = {
    name: options.name,
    email: options.email,
    ...(options.organization === undefined ? {} : { organization: options.organization }),
    ...(options.country === undefined ? {} : { country: options.country }),
  };
  const wanted = options.encrypt === true || options.passphraseFile !== undefined;
  const passphrase = wanted
    ? await readPassphrase(context, options.passphraseFile, 'Passphrase for the new key')
    : undefined;
  const save = async (file: string, text: string, mode: number): Promise<void> => {
    try {
      await writeFile(file, text, { mode, flag: options.force === true ? 'w' : 'wx' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      throw new Fault('usage', `${file} is there already.`, { action: 'Choose another name, or give --force.' });
    }
  };
  if (options.csr !== undefined) {
    const made = await generateRequest(subject, options.type, passphrase);
    await save(options.key, made.privateKeyPem, 0o600);
    await save(options.csr, made.requestPem, 0o644);
    answer(context, options, { key: options.key, csr: options.csr }, () => `${options.key} and ${options.csr}`);
    return;
  }
  const validity = { now: context.now(), days: options.days };
  const made = await generateCertificate(subject, options.type, validity, passphrase);
  await save(options.key, made.privateKeyPem, 0o600);
  await save(options.cert, made.certificatePem, 0o644);
  const { fingerprint } = made.signer.certificate;
  answer(context, options, { key: options.key, cert: options.cert, fingerprint }, () =>
    [`${options.key} and ${options.cert}`, `SHA-256 of the certificate: ${fingerprint}`].join('\n'),
  );
}
