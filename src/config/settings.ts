// Every setting of the server in one table: its type, its default and what it is for. Flags, environment and file follow from it.
import { isIP } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { endpointSchema } from './endpoint.ts';
import { vaultLocationSchema } from './vault-location.ts';

const flag = z.union([z.boolean(), z.stringbool()]);
const list = z.union([
  z.array(z.string()),
  z.string().transform((text) =>
    text
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== ''),
  ),
]);
const count = z.coerce.number().int().positive();

/** An IP address, or one with the length of a prefix behind it. */
function isNetwork(text: string): boolean {
  const [address = '', prefix, ...more] = text.split('/');
  const bits = isIP(address) === 4 ? 32 : 128;
  return (
    isIP(address) !== 0 &&
    more.length === 0 &&
    (prefix === undefined || (/^\d{1,3}$/u.test(prefix) && Number(prefix) <= bits))
  );
}

/** Name of the file in the data folder that holds the operator token. */
export const operatorTokenFile = 'operator.token';

export const settings = {
  'data': {
    schema: z.string().min(1),
    default: (env: Env) => join(env['XDG_DATA_HOME'] ?? join(homedir(), '.local', 'share'), 'mintmark'),
    value: 'DIR',
    description: 'folder that holds everything the server keeps',
  },
  'database': {
    schema: z
      .string()
      // The value may hold a password: it is not repeated.
      .regex(/^postgres(ql)?:\/\/\S+$/u, 'is no address such as postgres://user@host/database')
      .optional(),
    default: () => undefined,
    value: 'URL',
    secret: true,
    description: 'PostgreSQL database of the registry (postgres://…); without one, SQLite in the data folder',
  },
  'http': {
    schema: endpointSchema,
    default: () => '127.0.0.1:8080',
    value: 'HOST:PORT',
    description: 'where pages and API are served',
  },
  'public-url': {
    schema: z.url({ protocol: /^https?$/u }).optional(),
    default: () => undefined,
    value: 'URL',
    description: 'address of the pages as their users see it, behind a proxy',
  },
  'log-name': {
    schema: z
      .string()
      .regex(/^[^\s+]{1,200}$/u, 'has a blank or a plus sign, or is too long')
      .optional(),
    default: () => undefined,
    value: 'NAME',
    description:
      'name of the log of decisions, such as images.example.org/log; without one, it is made of --public-url, or of the name of this machine',
  },
  'log-key': {
    schema: z.string().min(1).optional(),
    default: () => undefined,
    value: 'FILE',
    description:
      'key that signs the log of decisions, the same for all servers of a database; without one, log.key in the folder of --data, made at the first start',
  },
  'iscsi': {
    schema: endpointSchema,
    default: () => '127.0.0.1:3260',
    value: 'HOST:PORT',
    description: 'where disks are served to hypervisors',
  },
  'iscsi-address': {
    schema: endpointSchema.optional(),
    default: () => undefined,
    value: 'HOST:PORT',
    description: 'what hypervisors connect to, where that is not what "iscsi" listens on',
  },
  'iscsi-physical-block': {
    schema: z.coerce.number().pipe(z.literal([512, 1024, 2048, 4096])),
    default: () => 512,
    value: 'BYTES',
    description: 'physical block that disks report: 512, 1024, 2048 or 4096',
  },
  'policy': {
    schema: z.string().min(1).optional(),
    default: () => undefined,
    value: 'FILE',
    description: 'what may run here: JSON, or a policy.cfg of StratusLab; without one, all that verifies is admitted',
  },
  'trust': {
    schema: z.string().min(1).optional(),
    default: () => undefined,
    value: 'DIR',
    description:
      'folder of trusted CA and endorser certificates (PEM); without one, endorsers with self-signed certificates',
  },
  'allow-legacy': {
    schema: flag,
    default: () => false,
    value: undefined,
    description: 'accept the weak signatures (RSA-SHA1) of old documents, marked as weak',
  },
  'upload-limit': {
    schema: count,
    default: () => 300,
    value: 'N',
    description: 'uploads that one address may send in a minute',
  },
  'endorser-limit': {
    schema: count,
    default: () => 1000,
    value: 'N',
    description: 'documents of one endorser that are taken in within an hour',
  },
  'trusted-proxies': {
    schema: list.pipe(z.array(z.string().refine(isNetwork, 'is no address and no network such as 10.0.0.0/8'))),
    default: () => [],
    value: 'CIDR,…',
    description: 'proxies before this server, whose X-Forwarded-For is believed',
  },
  'confirm': {
    schema: z.enum(['off', 'new', 'all']),
    default: () => 'off' as const,
    value: 'WHICH',
    description:
      'uploads that wait until their endorser confirms them by e-mail: off, new (of certificates not confirmed yet) or all',
  },
  'confirm-hours': {
    schema: z.coerce.number().positive().max(8760),
    default: () => 72,
    value: 'HOURS',
    description: 'how long the link in such a mail is good',
  },
  'smtp-url': {
    schema: z
      .string()
      .regex(/^smtps?:\/\/\S+$/u, 'is no address such as smtps://user@mail.example.org')
      .optional(),
    default: () => undefined,
    value: 'URL',
    secret: true,
    description: 'mail server that takes the mails (smtp://… or smtps://…)',
  },
  'mail-from': {
    schema: z
      .string()
      .regex(/^[^\s@<>,;]+@[^\s@<>,;]+$/u, 'is no e-mail address')
      .optional(),
    default: () => undefined,
    value: 'ADDRESS',
    description: 'who the mails are from',
  },
  'pull-allow': {
    schema: list,
    default: () => [],
    value: 'CIDR,…',
    description: 'private or loopback networks that images may be pulled from',
  },
  'max-image-bytes': {
    schema: count,
    default: () => 1024 ** 4,
    value: 'N',
    description: 'largest image that is pulled',
  },
  'vault': {
    schema: vaultLocationSchema.optional(),
    default: () => undefined,
    value: 'DIR|URL',
    description:
      'where images are kept: a folder, or a bucket of MinIO or any S3, s3://HOST[:PORT]/BUCKET[?region=REGION] (s3+http:// without TLS); without one, a folder in the data folder',
  },
  'vault-access-key': {
    schema: z.string().min(1).optional(),
    default: () => undefined,
    value: 'KEY',
    description: 'access key of the bucket',
  },
  'vault-secret-key': {
    schema: z.string().min(1).optional(),
    default: () => undefined,
    value: 'KEY',
    secret: 'whole',
    description:
      'secret key of the bucket; other users of the machine can see the flag, so use the environment or a file',
  },
  'vault-secret-file': {
    schema: z.string().min(1).optional(),
    default: () => undefined,
    value: 'FILE',
    description: 'file that holds the secret key of the bucket, and nothing else',
  },
  'redis': {
    schema: z
      .string()
      // The value may hold a password: it is not repeated.
      .regex(/^rediss?:\/\/\S+$/u, 'is no address such as redis://host:6379')
      .optional(),
    default: () => undefined,
    value: 'URL',
    secret: true,
    description:
      'queue of jobs for servers that share a database and a vault (redis://…); without one, each works by itself',
  },
  'pulls-at-once': {
    schema: count.max(100),
    default: () => 4,
    value: 'N',
    description: 'images that are pulled at the same time; others wait',
  },
  'pull-rate': {
    schema: count.optional(),
    default: () => undefined,
    value: 'BYTES',
    description: 'bytes per second that all pulls together may take; without one, as fast as it goes',
  },
  'gc-grace': {
    schema: z.coerce.number().nonnegative().max(8760),
    default: () => 24,
    value: 'HOURS',
    description: 'how long what nothing refers to stays in the vault before it is collected',
  },
  'probe-every': {
    schema: z.coerce.number().nonnegative().max(8760),
    default: () => 24,
    value: 'HOURS',
    description: 'how often the locations of all current entries are asked whether they still serve them; 0: never',
  },
  'vault-quota': {
    schema: count.optional(),
    default: () => undefined,
    value: 'N',
    description: 'bytes that images and snapshots may take in the vault; images nobody uses are evicted for a new one',
  },
  'repair-from': {
    schema: list.pipe(z.array(vaultLocationSchema)),
    default: () => [],
    value: 'DIR|URL,…',
    description:
      'other vaults, such as those of other nodes, from which what this one has lost may be read; buckets with the keys of --vault',
  },
  'log-level': {
    schema: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']),
    default: () => 'info' as const,
    value: 'LEVEL',
    description: 'trace, debug, info, warn, error, fatal or silent',
  },
} as const satisfies Record<string, Setting>;

export type Env = Readonly<Record<string, string | undefined>>;

interface Setting {
  readonly schema: z.ZodType;
  readonly default: (env: Env) => unknown;
  /** What stands for the value in a help text; undefined for a switch. */
  readonly value: string | undefined;
  readonly description: string;
  /** The value may hold a password, or is one as a whole: it is never shown as it is. */
  readonly secret?: true | 'whole';
}

export type SettingName = keyof typeof settings;
export const settingNames = Object.keys(settings) as readonly SettingName[];

/** The settings in force, typed. */
export type Config = { readonly [Name in SettingName]: z.output<(typeof settings)[Name]['schema']> };

/** `pull-allow` is `MINTMARK_PULL_ALLOW` in the environment. */
export const environmentName = (name: SettingName): string => `MINTMARK_${name.replaceAll('-', '_').toUpperCase()}`;
