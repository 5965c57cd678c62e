// `mintmark metadata validate`: checks documents, signature and all, and says everything that is wrong with them.
import { Option, type Command } from 'commander';
import { Fault } from '../src/errors/fault.ts';
import { exitCodes } from '../src/errors/table.ts';
import { checkUnsigned } from '../src/metadata/check.ts';
import { loadMetadataSchema } from '../src/metadata/schema.ts';
import { isTimestamp } from '../src/metadata/values.ts';
import { loadTrustFolder } from '../src/trust/folder.ts';
import { type Failure, type Step } from '../src/trust/report.ts';
import { trustLevels, type TrustLevel, type TrustSettings } from '../src/trust/settings.ts';
import { openVerifierPool } from '../src/trust/pool.ts';
import { type CliContext } from './context.ts';
import { readDocument } from './metadata-file.ts';

interface ValidateOptions {
  readonly unsigned?: boolean;
  readonly at?: string;
  readonly allowLegacy?: boolean;
  readonly trust?: string;
  readonly level: TrustLevel;
  readonly json?: boolean;
}

interface Verdict {
  readonly failures: readonly Failure[];
  readonly steps: readonly Step[];
  readonly warnings: readonly Failure[];
  readonly weak: boolean;
}

interface Judge {
  readonly judge: (bytes: Uint8Array) => Promise<Verdict>;
  readonly close: () => Promise<void>;
}

/** Milliseconds that the check of one document may take. */
const timeLimit = 10_000;

/** Adds the command. */
export function addValidate(metadata: Command, context: CliContext): void {
  metadata
    .command('validate')
    .description('Check documents: rules, signature, and who signed; exit 0 only if all are valid')
    .argument('<file...>', "the documents ('-' for standard input)")
    .option('--unsigned', 'check everything but the signature')
    .option('--at <time>', 'the time to judge at, YYYY-MM-DDThh:mm:ssZ (default: now)')
    .option('--allow-legacy', "accept the old software's RSA-SHA1 signatures, marked as weak")
    .option(
      '--trust <folder>',
      'certificates of authorities and endorsers, and revocation lists; without it, who signed is shown but not judged',
    )
    .addOption(
      new Option('--level <level>', 'how strictly who signed is judged').choices(trustLevels).default('permissive'),
    )
    .option('--json', 'print one JSON object for each file: file, valid, failures')
    .action((files: string[], options: ValidateOptions) => validate(context, files, options));
}

async function judgeFor(context: CliContext, options: ValidateOptions): Promise<Judge> {
  if (options.at !== undefined && !isTimestamp(options.at)) {
    throw new Fault('usage', `${options.at} is no time such as 2026-03-01T12:00:00Z.`);
  }
  const now = (): Date => (options.at === undefined ? context.now() : new Date(options.at));
  if (options.unsigned === true) {
    const schema = loadMetadataSchema();
    const judge = (bytes: Uint8Array): Promise<Verdict> => {
      const { failures } = checkUnsigned(bytes, schema, { now: now(), skewSeconds: 300 });
      return Promise.resolve({ failures, steps: [], warnings: [], weak: false });
    };
    return { judge, close: () => Promise.resolve() };
  }
  const trust: TrustSettings =
    options.trust === undefined ? { acceptUnknown: true } : await loadTrustFolder(options.trust);
  const settings = { ...trust, now, level: options.level, allowLegacy: options.allowLegacy === true };
  const pool = openVerifierPool(settings, { threads: 1, timeLimit });
  const judge = async (bytes: Uint8Array): Promise<Verdict> => {
    const { valid, ...report } = await pool.verify(bytes);
    return { ...report, warnings: report.warnings ?? [], weak: valid && 'weak' in report && report.weak };
  };
  return { judge, close: () => pool.close() };
}

const marks = { passed: '+', weak: '~', warned: '!', failed: '-', skipped: ' ' } as const;

const where = (failure: Failure): string => `line ${failure.line ?? 1}, ${failure.element ?? 'rdf:RDF'}`;

function describe(file: string, verdict: Verdict): string {
  const valid = verdict.failures.length === 0;
  const word = verdict.weak ? 'valid, but weakly signed' : 'valid';
  return [
    `${file}: ${valid ? word : 'NOT VALID'}`,
    ...verdict.steps.map(
      (step) => `  ${marks[step.outcome]} ${step.title}${step.outcome === 'passed' ? '' : ` (${step.outcome})`}`,
    ),
    ...verdict.warnings.map((failure) => `  warning, ${where(failure)}: ${failure.message} [${failure.code}]`),
    ...verdict.failures.map((failure) => `  ${where(failure)}: ${failure.message} [${failure.code}]`),
  ].join('\n');
}

async function judgeFile(context: CliContext, file: string, { judge }: Judge): Promise<Verdict> {
  try {
    return await judge(await readDocument(context, file));
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const failure: Failure = {
      code: 'unreadable',
      element: 'rdf:RDF',
      line: 1,
      message: `${error.message} ${error.action}`,
    };
    return { failures: [failure], steps: [], warnings: [], weak: false };
  }
}

async function validate(context: CliContext, files: readonly string[], options: ValidateOptions): Promise<void> {
  const judge = await judgeFor(context, options);
  try {
    await validateFiles(context, files, options, judge);
  } finally {
    await judge.close();
  }
}

async function validateFiles(
  context: CliContext,
  files: readonly string[],
  options: ValidateOptions,
  judge: Judge,
): Promise<void> {
  let allValid = true;
  for (const file of files) {
    const verdict = await judgeFile(context, file, judge);
    const valid = verdict.failures.length === 0;
    allValid &&= valid;
    const failures = verdict.failures.map(({ code, element = 'rdf:RDF', line = 1, message }) => ({
      code,
      element,
      line,
      message,
    }));
    const line = options.json === true ? JSON.stringify({ file, valid, failures }) : describe(file, verdict);
    context.stdout.write(`${line}\n`);
  }
  if (!allValid) process.exitCode = exitCodes.invalid;
}
