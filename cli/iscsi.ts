// `mintmark iscsi`: exports a raw file, or an image of a vault, as an iSCSI disk, with no server, registry or account.
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { once } from 'node:events';
import { type Command, InvalidArgumentError } from 'commander';
import { type BlockDevice } from '../src/block/device.ts';
import { openFileDevice } from '../src/block/file-device.ts';
import { formatEndpoint, parseEndpoint } from '../src/config/endpoint.ts';
import { Fault } from '../src/errors/fault.ts';
import { type ChapGrant, type TargetDirectory } from '../src/iscsi/directory.ts';
import { createTarget, type Portal } from '../src/iscsi/target.ts';
import { borrowImage } from '../src/vault/borrow-image.ts';
import { openDirectoryStore } from '../src/vault/stores/directory.ts';
import { type CliContext, type CommandGroup } from './context.ts';
import { answer } from './print.ts';

interface ServeOptions {
  readonly portal: readonly Portal[];
  readonly iqn: string;
  readonly readOnly?: boolean;
  readonly chapUser?: string;
  readonly chapSecretFile?: string;
  readonly physicalBlock: number;
  readonly image?: string;
  readonly json?: boolean;
}

const unit = 1;

function parsePortal(text: string, before: readonly Portal[] | undefined): readonly Portal[] {
  const portal = parseEndpoint(text);
  if (portal === undefined) throw new InvalidArgumentError('expected HOST:PORT');
  return [...(before ?? []), portal];
}

function parseIqn(text: string): string {
  if (!/^(iqn|eui|naa)\.[a-z0-9.:-]{1,219}$/.test(text)) {
    throw new InvalidArgumentError('expected an iSCSI name in lower case, such as iqn.2026-01.org.example:disk');
  }
  return text;
}

function parsePhysicalBlock(text: string): number {
  const bytes = Number(text);
  if (![512, 1024, 2048, 4096].includes(bytes)) throw new InvalidArgumentError('expected 512, 1024, 2048 or 4096');
  return bytes;
}

function chapOf(options: ServeOptions): ChapGrant | undefined {
  const { chapUser, chapSecretFile } = options;
  if (chapUser === undefined && chapSecretFile === undefined) return undefined;
  if (chapUser === undefined || chapSecretFile === undefined) {
    throw new Fault('usage', '--chap-user and --chap-secret-file belong together');
  }
  let secret: string;
  try {
    secret = readFileSync(chapSecretFile, 'utf8').trim();
  } catch (error) {
    throw new Fault('usage', `${chapSecretFile} cannot be read`, { cause: error });
  }
  if (Buffer.byteLength(secret) < 12) {
    throw new Fault('usage', 'The CHAP secret is shorter than 12 bytes, which RFC 7143 §9.2.1 does not allow');
  }
  return { name: chapUser, secret };
}

/** A UUID that stays the same for the same file, so that initiators know the disk again. */
function identityOf(path: string): string {
  const hex = createHash('sha256').update(resolve(path)).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** An image of a server's vault, read chunk by chunk as initiators ask for it. */
async function openFromVault(folder: string, image: string): Promise<BlockDevice> {
  if (!existsSync(join(folder, 'packs'))) {
    throw new Fault('usage', `${folder} is not the folder of a vault`, { action: 'Name DATA/vault of a server.' });
  }
  const node = `iscsi-${randomBytes(8).toString('hex')}`;
  return await borrowImage({ store: await openDirectoryStore(folder), node }, image);
}

async function serve(context: CliContext, file: string, options: ServeOptions): Promise<void> {
  const chap = chapOf(options);
  const readOnly = options.readOnly === true || options.image !== undefined;
  const device =
    options.image === undefined ? openFileDevice(file, { readOnly }) : await openFromVault(file, options.image);
  const identity = identityOf(options.image === undefined ? file : `${file}/${options.image}`);
  const luns = new Map([[unit, { device, identity, readOnly, physicalBlockBytes: options.physicalBlock }]]);
  const directory: TargetDirectory = {
    list: () => [options.iqn],
    login: (target) =>
      target === options.iqn
        ? {
            outcome: 'granted',
            grant: { luns, ...(chap === undefined ? {} : { chap }), release: () => undefined },
          }
        : { outcome: 'refused', reason: 'not-found' },
  };
  try {
    const target = await createTarget({
      portals: options.portal,
      directory,
      log: (level, message, details) => {
        if (level === 'warn') context.stderr.write(`mintmark: ${message} ${JSON.stringify(details)}\n`);
      },
    });
    const portals = target.portals.map(formatEndpoint);
    const urls = portals.map((portal) => `iscsi://${portal}/${options.iqn}/${unit}`);
    answer(
      context,
      options,
      { portals, iqn: options.iqn, lun: unit, bytes: device.size, readOnly, chap: chap !== undefined, urls },
      () => [`Serving ${file} (${device.size} bytes${readOnly ? ', read-only' : ''}) as`, ...urls].join('\n  '),
    );
    if (!context.signal.aborted) await once(context.signal, 'abort');
    await target.close();
  } finally {
    await device.flush();
    await device.close();
  }
}

export const iscsiGroup: CommandGroup = (program: Command, context: CliContext): void => {
  const group = program.command('iscsi').description('serve disks over iSCSI without a registry');
  group
    .command('serve')
    .description('export a raw file as LUN 1 of an iSCSI target, until Ctrl-C or SIGTERM')
    .argument('<file>', 'raw disk or CD image; what initiators write goes into it; with --image, the folder of a vault')
    .option('--image <identifier>', 'serve this image from the vault, read-only, each chunk proven as it is read')
    .requiredOption('--portal <host:port>', 'where to listen; port 0 takes a free one; may be given again', parsePortal)
    .requiredOption('--iqn <name>', 'name of the target, such as iqn.2026-01.org.example:disk', parseIqn)
    .option('--read-only', 'initiators cannot write')
    .option('--chap-user <name>', 'name that initiators have to log in with')
    .option('--chap-secret-file <file>', 'file with the secret that goes with it, of at least 12 bytes')
    .option('--physical-block <bytes>', 'physical block that is reported: 512 to 4096', parsePhysicalBlock, 512)
    .option('--json', 'print one JSON value')
    .action((file: string, options: ServeOptions) => serve(context, file, options));
};
