// `mintmark metadata build`: measures an image and writes its unsigned description.
import { stat } from 'node:fs/promises';
import { input } from '@inquirer/prompts';
import { SingleBar } from 'cli-progress';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { Fault } from '../src/errors/fault.ts';
import { buildMetadata, type MetadataFields } from '../src/metadata/build.ts';
import { checkUnsigned } from '../src/metadata/check.ts';
import { encodeIdentifier } from '../src/metadata/identifier.ts';
import { openImage } from '../src/metadata/image-file.ts';
import { measureImage, type Measurement } from '../src/metadata/measure.ts';
import { compressions, imageFormats, type Compression, type ImageFormat } from '../src/metadata/model.ts';
import { loadMetadataSchema } from '../src/metadata/schema.ts';
import { formatTimestamp } from '../src/metadata/values.ts';
import { type CliContext } from './context.ts';
import { writeDocument } from './metadata-file.ts';
import { answer } from './print.ts';

interface BuildOptions {
  readonly output?: string;
  readonly type: string;
  readonly kind?: string[];
  readonly title?: string;
  readonly description?: string;
  readonly creator?: string;
  readonly publisher?: string;
  readonly os?: string;
  readonly osVersion?: string;
  readonly osArch?: string;
  readonly imageVersion?: string;
  readonly serialNumber?: string;
  readonly tag?: string;
  readonly format?: ImageFormat;
  readonly compression?: Compression | 'none';
  readonly location?: string[];
  readonly valid?: string;
  readonly validDays?: number;
  readonly hypervisor?: string[];
  readonly disksBus?: string[];
  readonly inboundPort?: number[];
  readonly outboundPort?: number[];
  readonly icmp?: number[];
  readonly replaces?: string;
  readonly isVersionOf?: string;
  readonly prompt: boolean;
  readonly json?: boolean;
}

const collect = (value: string, earlier: string[] = []): string[] => [...earlier, value];

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('A whole number is expected.');
  return Number(text);
}

const collectNumber = (value: string, earlier: number[] = []): number[] => [...earlier, wholeNumber(value)];

/** Adds the command. */
export function addBuild(metadata: Command, context: CliContext): void {
  metadata
    .command('build')
    .description('Measure an image (size and all checksums in one pass) and write its unsigned description')
    .argument('<image>', 'the image file; gz, bz2, xz and zst are looked into')
    .option('-o, --output <file>', 'where the document goes (default: standard output)')
    .addOption(
      new Option('--type <type>', 'what the image is').choices(['machine', 'disk', 'base', 'grid']).default('machine'),
    )
    .option('--kind <kind>', 'machine or disk; may be repeated', collect)
    .option('--title <text>', 'a short title')
    .option('--description <text>', 'what is in the image')
    .option('--creator <text>', 'who made the image')
    .option('--publisher <text>', 'who publishes it')
    .option('--os <name>', 'operating system, such as debian (asked for at a terminal)')
    .option('--os-version <version>', 'its version (asked for at a terminal)')
    .option('--os-arch <arch>', 'its architecture, such as x86_64 (asked for at a terminal)')
    .option('--image-version <version>', 'version of the image')
    .option('--serial-number <number>', 'serial number of the image')
    .option('--tag <tag>', 'your tag: the newest entry with it can be asked for by it')
    .addOption(new Option('--format <format>', 'disk format (guessed from the contents)').choices(imageFormats))
    .addOption(
      new Option('--compression <kind>', 'compression around the image (guessed from the contents)').choices([
        ...compressions,
        'none',
      ]),
    )
    .option('--location <uri>', 'where the image can be fetched from; may be repeated', collect)
    .option('--valid <time>', 'when the entry expires, YYYY-MM-DDThh:mm:ssZ')
    .option('--valid-days <days>', 'when the entry expires, in days from now', wholeNumber)
    .option('--hypervisor <name>', 'hypervisor it runs on, such as kvm; may be repeated', collect)
    .option('--disks-bus <bus>', 'bus for its disks, such as virtio; may be repeated', collect)
    .option('--inbound-port <port>', 'port that must be reachable (0 = all); may be repeated', collectNumber)
    .option('--outbound-port <port>', 'port it must reach (0 = all); may be repeated', collectNumber)
    .option('--icmp <type>', 'ICMP type it needs; may be repeated', collectNumber)
    .option('--replaces <identifier>', 'identifier of the image that this one replaces')
    .option('--is-version-of <identifier>', 'identifier of the image that this is a version of')
    .option('--no-prompt', 'ask nothing, even at a terminal')
    .option('--json', 'print what was measured as JSON')
    .action((image: string, options: BuildOptions) => build(context, image, options));
}

/** A progress bar on standard error, at a terminal only. */
function progressBar(context: CliContext, total: number): { update(bytes: number): void; stop(): void } {
  if (context.stderr.isTTY !== true) return { update: () => undefined, stop: () => undefined };
  const bar = new SingleBar({
    stream: context.stderr,
    format: 'measuring {bar} {percentage}% | {eta_formatted} left',
    hideCursor: true,
    clearOnComplete: true,
  });
  bar.start(Math.max(1, total), 0);
  return { update: (bytes) => bar.update(bytes), stop: () => bar.stop() };
}

async function measure(
  context: CliContext,
  path: string,
  given: BuildOptions['compression'],
): Promise<{ measured: Measurement; format: ImageFormat; compression: Compression | undefined }> {
  const { size } = await stat(path);
  const opened =
    given === 'none'
      ? { ...(await openImage(path)), compression: undefined, source: path }
      : await openImage(path, given);
  const bar = progressBar(context, size);
  try {
    const measured = await measureImage(
      opened.source,
      (bytes) => bar.update(opened.bytesRead?.() ?? bytes),
      context.signal,
    );
    return { measured, format: opened.format(), compression: opened.compression };
  } catch (error) {
    if (context.signal.aborted || error instanceof Fault) throw error;
    throw new Fault('metadata.image-unreadable', `${path} cannot be read to its end.`, { cause: error });
  } finally {
    bar.stop();
  }
}

async function ask(context: CliContext, options: BuildOptions, message: string): Promise<string | undefined> {
  if (!options.prompt || options.json === true || context.stdin.isTTY !== true) return undefined;
  const text = await input(
    { message: `${message} (empty to leave out)` },
    { input: context.stdin, output: context.stderr },
  );
  return text.trim() === '' ? undefined : text.trim();
}

const text = (value: string | undefined, key: keyof MetadataFields): Partial<MetadataFields> =>
  value === undefined ? {} : { [key]: value };

async function build(context: CliContext, path: string, options: BuildOptions): Promise<void> {
  const os = options.os ?? (await ask(context, options, 'Operating system, such as debian'));
  const osVersion = options.osVersion ?? (await ask(context, options, 'Its version, such as 12'));
  const osArch = options.osArch ?? (await ask(context, options, 'Its architecture, such as x86_64'));
  const { measured, format, compression } = await measure(context, path, options.compression);
  const now = context.now();
  const valid =
    options.validDays === undefined
      ? options.valid
      : formatTimestamp(new Date(now.getTime() + options.validDays * 86_400_000));
  const fields: MetadataFields = {
    bytes: measured.bytes,
    checksums: measured.checksums,
    type: options.type,
    kinds: options.kind ?? [],
    format: options.format ?? format,
    ...text(compression, 'compression'),
    ...text(valid, 'valid'),
    ...text(options.title, 'title'),
    ...text(options.description, 'description'),
    ...text(options.creator, 'creator'),
    created: formatTimestamp(now),
    ...text(options.publisher, 'publisher'),
    ...text(options.tag, 'tag'),
    ...text(options.replaces, 'replaces'),
    ...text(options.isVersionOf, 'isVersionOf'),
    locations: options.location ?? [],
    ...text(options.serialNumber, 'serialNumber'),
    ...text(options.imageVersion, 'version'),
    ...text(os, 'os'),
    ...text(osVersion, 'osVersion'),
    ...text(osArch, 'osArch'),
    hypervisors: options.hypervisor ?? [],
    disksBuses: options.disksBus ?? [],
    inboundPorts: options.inboundPort ?? [],
    outboundPorts: options.outboundPort ?? [],
    icmp: options.icmp ?? [],
  };
  const document = buildMetadata(fields, formatTimestamp(now));
  const { failures } = checkUnsigned(Buffer.from(document), loadMetadataSchema(), { now, skewSeconds: 0 });
  const [first] = failures;
  if (first) {
    throw new Fault('metadata.invalid', failures.map((failure) => failure.message).join(' '), {
      details: { failures },
    });
  }
  if (options.output !== undefined) await writeDocument(context, options.output, document);
  else if (options.json !== true) return writeDocument(context, undefined, document);
  const identifier = encodeIdentifier(measured.checksums['SHA-1']);
  const result = {
    identifier,
    bytes: measured.bytes,
    checksums: measured.checksums,
    format: fields.format,
    compression: compression ?? null,
    output: options.output ?? null,
    ...(options.output === undefined ? { document } : {}),
  };
  answer(context, options, result, () => `${identifier}  ${measured.bytes} bytes, ${fields.format}: ${options.output}`);
}
