// `mintmark metadata show`: what a document says, who signed it, and what was checked.
import { type Command } from 'commander';
import { Fault } from '../src/errors/fault.ts';
import { checkUnsigned } from '../src/metadata/check.ts';
import { type ImageMetadata } from '../src/metadata/model.ts';
import { loadMetadataSchema } from '../src/metadata/schema.ts';
import { type DocumentReport } from '../src/trust/report.ts';
import { createVerifier } from '../src/trust/verifier.ts';
import { type CliContext } from './context.ts';
import { readDocument } from './metadata-file.ts';
import { answer, table } from './print.ts';

/** Adds the command. */
export function addShow(metadata: Command, context: CliContext): void {
  metadata
    .command('show')
    .description('Show what a document says and who signed it (legacy signatures too); it must be valid')
    .argument('<file>', "the document ('-' for standard input)")
    .option('--json', 'print it as JSON')
    .action((file: string, options: { readonly json?: boolean }) => show(context, file, options));
}

function rowsOf(metadata: ImageMetadata): string[][] {
  const rows: string[][] = [];
  const add = (name: string, value: string | number | readonly (string | number)[] | undefined): void => {
    if (value === undefined || value === '' || (Array.isArray(value) && value.length === 0)) return;
    rows.push([name, Array.isArray(value) ? value.join(', ') : String(value).replaceAll(/\s+/g, ' ')]);
  };
  const { checksums, endorsement, foreign, withdrawal, ...rest } = metadata;
  for (const [name, value] of Object.entries(rest)) add(name, value);
  for (const [name, value] of Object.entries(checksums)) add(name, value);
  add('withdrawn', withdrawal && `from ${withdrawal.from}: ${withdrawal.reason}`);
  add('endorsed by', endorsement.endorser.email);
  add('endorsed at', endorsement.created);
  add('subject', endorsement.endorser.subject);
  add('issuer', endorsement.endorser.issuers);
  for (const property of foreign) add(property.name, property.text === '' ? '(nested)' : property.text);
  return rows;
}

function signerLines(report: DocumentReport & { readonly valid: true }): string[][] {
  const { signer } = report;
  return [
    ['signature', `${signer.algorithm}, key ${signer.key}${report.weak ? ' (weak)' : ''}`],
    ['certificate', `SHA-256 ${signer.fingerprint}`],
    ['valid', `${signer.notBefore} to ${signer.notAfter}`],
  ];
}

async function show(context: CliContext, file: string, options: { readonly json?: boolean }): Promise<void> {
  const bytes = await readDocument(context, file);
  const now = context.now;
  const report = await createVerifier({ acceptUnknown: true, allowLegacy: true, now })(bytes);
  const unsigned = report.failures.some((failure) => failure.code === 'signature-missing');
  const metadata = report.valid
    ? report.metadata
    : unsigned
      ? checkUnsigned(bytes, loadMetadataSchema(), { now: now(), skewSeconds: 300 }).metadata
      : undefined;
  if (!metadata) {
    throw new Fault('metadata.invalid', `${file} is not valid; see: mintmark metadata validate ${file}`, {
      details: { failures: report.failures },
    });
  }
  const signer = report.valid ? report.signer : null;
  answer(context, options, { metadata, signer, steps: report.steps }, () => {
    const signed = report.valid ? signerLines(report) : [['signature', 'none']];
    return table([['field', 'value'], ...rowsOf(metadata), ...signed]);
  });
}
