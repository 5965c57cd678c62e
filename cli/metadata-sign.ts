// `mintmark metadata sign`: endorses a document with the caller's key.
import { type Command } from 'commander';
import { Fault } from '../src/errors/fault.ts';
import { isTimestamp } from '../src/metadata/values.ts';
import { signDocument } from '../src/signature/sign.ts';
import { createVerifier } from '../src/trust/verifier.ts';
import { type CliContext } from './context.ts';
import { readDocument, writeDocument } from './metadata-file.ts';
import { addKeyOptions, openSigner, type KeyOptions } from './metadata-key.ts';
import { answer } from './print.ts';

interface SignOptions extends KeyOptions {
  readonly output?: string;
  readonly inPlace?: boolean;
  readonly created?: string;
  readonly email?: string;
  readonly json?: boolean;
}

/** Adds the command. */
export function addSign(metadata: Command, context: CliContext): void {
  const command = metadata
    .command('sign')
    .description('Endorse a document: fill in who and when, drop earlier signatures, and sign all of it')
    .argument('<file>', "the document, signed or not ('-' for standard input)")
    .option('-o, --output <file>', 'where the signed document goes (default: standard output)')
    .option('--in-place', 'replace the file by the signed document')
    .option('--created <time>', 'time of the endorsement, YYYY-MM-DDThh:mm:ssZ (default: now)')
    .option('--email <address>', 'your address, where the certificate has none')
    .option('--json', 'print the entry that was made as JSON (needs --output or --in-place)');
  addKeyOptions(command).action((file: string, options: SignOptions) => signFile(context, file, options));
}

/** The time of an endorsement, from --created or the clock. */
export function endorsementTime(context: CliContext, created: string | undefined): Date {
  if (created === undefined) return context.now();
  if (!isTimestamp(created)) throw new Fault('usage', `${created} is no time such as 2026-03-01T12:00:00Z.`);
  return new Date(created);
}

/** Where a command's document goes: --output, the file itself under --in-place, or standard output. */
export function targetOf(file: string, options: Pick<SignOptions, 'output' | 'inPlace' | 'json'>): string | undefined {
  const target = options.inPlace === true ? file : options.output;
  if (options.json === true && target === undefined) {
    throw new Fault('usage', '--json needs --output or --in-place: standard output cannot hold both.');
  }
  return target;
}

/** Signs a document, checks what came of it, writes it and tells what it is. */
export async function signAndWrite(
  context: CliContext,
  document: string | Uint8Array,
  target: string | undefined,
  options: SignOptions,
): Promise<void> {
  const created = endorsementTime(context, options.created);
  const signer = await openSigner(context, options);
  const signed = signDocument(document, signer, {
    created,
    ...(options.email === undefined ? {} : { email: options.email }),
  });
  const report = await createVerifier({ acceptUnknown: true, now: context.now })(Buffer.from(signed));
  if (!report.valid) {
    const messages = report.failures.map(
      (failure) => `line ${failure.line ?? 1}, ${failure.element ?? ''}: ${failure.message}`,
    );
    throw new Fault('metadata.invalid', `The document would be refused. ${messages.join(' ')}`, {
      details: { failures: report.failures },
    });
  }
  for (const warning of report.warnings ?? []) context.stderr.write(`mintmark: ${warning.message}\n`);
  await writeDocument(context, target, signed);
  if (target === undefined) return;
  const { identifier, endorsement } = report.metadata;
  const entry = { identifier, email: endorsement.endorser.email, created: endorsement.created, file: target };
  answer(context, options, entry, () => `${identifier} endorsed by ${entry.email} at ${entry.created}: ${target}`);
}

async function signFile(context: CliContext, file: string, options: SignOptions): Promise<void> {
  const target = targetOf(file, options);
  await signAndWrite(context, await readDocument(context, file), target, options);
}
