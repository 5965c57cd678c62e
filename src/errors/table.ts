// Every failure Mintmark can report: its HTTP status, its CLI exit code, its title and what to do. docs/errors.md lists the same.

interface FaultEntry {
  /** HTTP status of the problem document (RFC 9457). */
  readonly status: number;
  /** Exit code of the CLI, see exitCodes. */
  readonly exit: ExitCode;
  readonly title: string;
  readonly action: string;
}

/** Exit codes of the `mintmark` command. */
export const exitCodes = {
  ok: 0,
  failed: 1,
  usage: 2,
  invalid: 3,
  refused: 4,
  notFound: 5,
  conflict: 6,
  unavailable: 7,
  cancelled: 130,
} as const;

type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

export const faults = {
  // general
  'internal': {
    status: 500,
    exit: exitCodes.failed,
    title: 'Something broke inside Mintmark',
    action: 'Look at the log of the server, and report it with the lines around this error.',
  },
  'usage': {
    status: 400,
    exit: exitCodes.usage,
    title: 'The request cannot be understood',
    action: 'Correct the named argument; --help and /openapi.json say what is expected.',
  },
  'not-found': {
    status: 404,
    exit: exitCodes.notFound,
    title: 'There is no such thing here',
    action: 'Check the name or identifier.',
  },
  'unauthorized': {
    status: 401,
    exit: exitCodes.refused,
    title: 'This needs a token',
    action: 'Send the operator token (DATA/operator.token) as a bearer token, or set MINTMARK_TOKEN.',
  },
  'cancelled': {
    status: 503,
    exit: exitCodes.cancelled,
    title: 'It was stopped before its end',
    action: 'Run it again: it goes on from what is kept, or begins anew.',
  },
  // config
  'config.unreadable': {
    status: 500,
    exit: exitCodes.usage,
    title: 'The configuration cannot be read',
    action: 'Correct the file, or leave --config out to run with the defaults.',
  },
  'config.invalid': {
    status: 500,
    exit: exitCodes.usage,
    title: 'A setting is wrong',
    action: 'Correct the named setting; "mintmark config" prints what is in force.',
  },
  'config.address': {
    status: 500,
    exit: exitCodes.usage,
    title: 'The server cannot listen there',
    action: 'End what listens on that port, or give another one; port 0 takes a free one.',
  },
  // http
  'forbidden': {
    status: 403,
    exit: exitCodes.refused,
    title: 'This token may not do that',
    action: 'Use the operator token.',
  },
  'media-type': {
    status: 415,
    exit: exitCodes.usage,
    title: 'The body is of a kind that is not understood here',
    action: 'Send the type that the documentation of the route names.',
  },
  'not-acceptable': {
    status: 406,
    exit: exitCodes.usage,
    title: 'There is no such representation',
    action: 'Ask for html, json or xml.',
  },
  'too-large': {
    status: 413,
    exit: exitCodes.invalid,
    title: 'The body is larger than is taken here',
    action: 'Send less.',
  },
  'too-many-requests': {
    status: 429,
    exit: exitCodes.unavailable,
    title: 'Too many requests from this address',
    action: 'Wait as long as the Retry-After header says.',
  },
  'unreachable': {
    status: 502,
    exit: exitCodes.unavailable,
    title: 'The server cannot be reached',
    action: 'Start it with "mintmark serve", or name it with --server or MINTMARK_SERVER.',
  },
  // metadata, xml, signature, trust
  'metadata.invalid': {
    status: 422,
    exit: exitCodes.invalid,
    title: 'The metadata document breaks a rule',
    action: 'Correct what each failure names; docs/metadata-rules.md explains every code.',
  },
  'metadata.image-unreadable': {
    status: 422,
    exit: exitCodes.failed,
    title: 'The image cannot be read',
    action: 'Check that the file is whole, and that the program for its compression (xz, bzip2, zstd) is installed.',
  },
  'signature.key-unusable': {
    status: 422,
    exit: exitCodes.invalid,
    title: 'This key cannot sign metadata',
    action: 'Use an RSA key of 2048 bits or more, or an EC key on P-256 or P-384, and the certificate of that key.',
  },
  'signature.passphrase': {
    status: 422,
    exit: exitCodes.refused,
    title: 'The key cannot be opened',
    action: 'Give the right passphrase, at the prompt, with --passphrase-file or in MINTMARK_PASSPHRASE.',
  },
  'trust.settings': {
    status: 500,
    exit: exitCodes.usage,
    title: 'The trust settings cannot be used',
    action: 'Correct the file or folder that is named: certificates and revocation lists are PEM or DER.',
  },
  'trust.timeout': {
    status: 422,
    exit: exitCodes.invalid,
    title: 'The document took too long to check',
    action: 'Send a plainer document; real ones take a millisecond.',
  },
  // registry, policy
  'db.migration': {
    status: 500,
    exit: exitCodes.failed,
    title: 'The database cannot be brought up to date',
    action: 'Start the version that wrote it, or restore the database from before the update; nothing was changed.',
  },
  'db.unreachable': {
    status: 503,
    exit: exitCodes.unavailable,
    title: 'The database does not answer',
    action: 'Check that PostgreSQL runs, and the address, name and password in the configuration.',
  },
  'db.full': {
    status: 507,
    exit: exitCodes.unavailable,
    title: 'There is no room left for the database',
    action: 'Make room on its disk; what was accepted is safe, and nothing of this request was kept.',
  },
  'db.in-use': {
    status: 503,
    exit: exitCodes.conflict,
    title: 'The registry is in use',
    action: 'Stop the server, and what else works with this registry; then run it again.',
  },
  'registry.refused': {
    status: 422,
    exit: exitCodes.invalid,
    title: 'The document was refused',
    action: 'Correct what the failures name, sign the document again and upload it.',
  },
  'registry.older': {
    status: 409,
    exit: exitCodes.conflict,
    title: 'A newer entry is here already',
    action: 'Sign the document again, so that its endorsement is dated now.',
  },
  'registry.key-taken': {
    status: 409,
    exit: exitCodes.conflict,
    title: 'Another document has this key',
    action: 'What was accepted never changes; sign again for a newer entry.',
  },
  'registry.endorser-limit': {
    status: 429,
    exit: exitCodes.unavailable,
    title: 'This endorser uploads too much',
    action: 'Wait as long as the Retry-After header says, or ask the operators of the site for a higher limit.',
  },
  'registry.too-many-waiting': {
    status: 429,
    exit: exitCodes.unavailable,
    title: 'Too many documents wait for this endorser',
    action: 'Open the links that were mailed, and confirm or decline them; then upload again.',
  },
  'registry.no-mail': {
    status: 422,
    exit: exitCodes.invalid,
    title: 'The endorser cannot be asked by mail',
    action: 'Use a certificate with a plain e-mail address, and sign the document again.',
  },
  'registry.no-confirmation': {
    status: 404,
    exit: exitCodes.notFound,
    title: 'Nothing waits behind this link',
    action: 'Look whether the entry is published already; if the link has expired, upload the document again.',
  },
  'registry.no-entry': {
    status: 404,
    exit: exitCodes.notFound,
    title: 'There is no such entry',
    action:
      'Look with "mintmark image list --status all", or /metadata?status=all: expired and replaced entries are kept.',
  },
  'registry.no-endorser': {
    status: 404,
    exit: exitCodes.notFound,
    title: 'There is no such endorser',
    action: 'Look for those who have endorsed an image here with "mintmark endorser list", or GET /endorsers.',
  },
  'registry.cursor': {
    status: 400,
    exit: exitCodes.usage,
    title: 'The list cannot be continued from here',
    action: 'Take `next` of the page before as it is, with the same order; or start again without a cursor.',
  },
  'registry.log-broken': {
    status: 500,
    exit: exitCodes.failed,
    title: 'The log of decisions is incomplete',
    action: 'Run `mintmark registry reindex`; if it says so again, restore the database from a backup.',
  },
  'registry.log-key': {
    status: 500,
    exit: exitCodes.failed,
    title: 'The log has no usable key',
    action:
      'Copy log.key from the data folder of a server of this database, or from a backup, or name it with --log-key: with another key, mirrors would take this for another log.',
  },
  'registry.log-name': {
    status: 500,
    exit: exitCodes.usage,
    title: 'The name of a log does not change',
    action: 'Leave --log-name out, or give the name it has: mirrors and readers know the log by it.',
  },
  'registry.mirror-forged': {
    status: 502,
    exit: exitCodes.refused,
    title: 'The other registry is not what it signed',
    action: 'Nothing of it was taken in. Ask its operators, and compare its checkpoint with what others have seen.',
  },
  'registry.mirror-incomplete': {
    status: 502,
    exit: exitCodes.unavailable,
    title: 'The other registry withholds something',
    action: 'Try again later: the mirror goes on from where it stopped.',
  },
  'registry.log-range': {
    status: 400,
    exit: exitCodes.usage,
    title: 'The log is not that long',
    action: 'Ask for sizes and numbers up to the size in the newest checkpoint (GET /log/checkpoint).',
  },
  'policy.denied': {
    status: 403,
    exit: exitCodes.refused,
    title: 'The policy of this site does not admit the image',
    action: 'See every rule with "mintmark policy check", and ask the admins of the site.',
  },
  'policy.invalid': {
    status: 422,
    exit: exitCodes.invalid,
    title: 'The policy cannot be read',
    action: 'Correct the named line or member; the policy that was in force stays in force.',
  },
  // mail
  'mail.refused': {
    status: 502,
    exit: exitCodes.unavailable,
    title: 'The mail server takes no mail for this address',
    action: 'Look at the reason that the mail server gives, and at --mail-from and --smtp-url.',
  },
  // vault, pull, jobs
  'vault.unavailable': {
    status: 503,
    exit: exitCodes.unavailable,
    title: 'The vault cannot be reached',
    action: 'Check the folder or the object store of the vault and its credentials, then try again.',
  },
  'vault.full': {
    status: 507,
    exit: exitCodes.unavailable,
    title: 'The vault has no room left',
    action: 'Free space: evict images with `mintmark cache evict`, then run `mintmark cache gc`; or add storage.',
  },
  'vault.quota': {
    status: 507,
    exit: exitCodes.unavailable,
    title: 'The quota of the vault does not allow it',
    action: 'Remove volumes, unpin or evict images that are not needed, or raise --vault-quota.',
  },
  'vault.corrupt': {
    status: 500,
    exit: exitCodes.failed,
    title: 'What the vault holds does not match its checksum',
    action: 'Run `mintmark cache repair IDENTIFIER`, or `mintmark cache scrub` for all: what is lost is fetched again.',
  },
  'vault.missing': {
    status: 500,
    exit: exitCodes.failed,
    title: 'The vault lacks a part of this disk',
    action: 'Run `mintmark cache repair IDENTIFIER`, or `mintmark cache scrub` for all: what is lost is fetched again.',
  },
  'vault.bad-format': {
    status: 500,
    exit: exitCodes.failed,
    title: 'An object of the vault has a form this release cannot read',
    action: 'It was damaged, or written by a newer release: scrub the vault, or run the newer release.',
  },
  'vault.write-expired': {
    status: 409,
    exit: exitCodes.conflict,
    title: 'This write was given up before it ended',
    action: 'Start it again; nothing of it was kept.',
  },
  'vault.busy': {
    status: 409,
    exit: exitCodes.conflict,
    title: 'The vault is at this already',
    action: 'Wait until what runs has ended, then try again.',
  },
  'vault.in-use': {
    status: 409,
    exit: exitCodes.conflict,
    title: 'This image is in use',
    action: 'Detach and remove the volumes that are made from it first, or unpin it.',
  },
  'pull.no-location': {
    status: 422,
    exit: exitCodes.refused,
    title: 'The entry names no location that can be pulled from',
    action: 'Ask the endorser for an entry with an http or https location.',
  },
  'pull.refused': {
    status: 502,
    exit: exitCodes.refused,
    title: 'No location serves the image that was signed',
    action: 'Tell the endorser: what the locations serve is not what the metadata says. Nothing of it was kept.',
  },
  'pull.unreachable': {
    status: 502,
    exit: exitCodes.unavailable,
    title: 'The image could not be fetched from any location',
    action: 'See the reason of each location in the details, and try again later.',
  },
  'pull.unrepaired': {
    status: 502,
    exit: exitCodes.refused,
    title: 'What this image has lost is nowhere to be had',
    action:
      'Publish an entry with a location that serves it, or name a copy: `mintmark cache repair IDENTIFIER --from FILE|URL`. What is whole of it can still be read.',
  },
  'pull.busy': {
    status: 409,
    exit: exitCodes.conflict,
    title: 'Something else is done to this image',
    action: 'Wait until the job has ended, or cancel it with `mintmark job cancel NUMBER`; then ask again.',
  },
  'pull.unsafe': {
    status: 422,
    exit: exitCodes.refused,
    title: 'The disk format of this image is not safe to open',
    action: 'Ask the endorser for a self-contained image, best of all raw. Nothing of it was kept.',
  },
  'pull.tool-missing': {
    status: 501,
    exit: exitCodes.unavailable,
    title: 'A program that this image needs is not installed',
    action: 'Install the named program on the server (on Debian: qemu-utils, xz-utils, bzip2, zstd), then pull again.',
  },
  'pull.no-room': {
    status: 507,
    exit: exitCodes.unavailable,
    title: 'There is no room for this image',
    action: 'Free space: evict images with `mintmark cache evict`, then run `mintmark cache gc`; or add storage.',
  },
  'pull.cancelled': {
    status: 409,
    exit: exitCodes.cancelled,
    title: 'The pull was cancelled',
    action: 'Pull again to go on: what was fetched is used where the location can resume.',
  },
  'jobs.not-found': {
    status: 404,
    exit: exitCodes.notFound,
    title: 'There is no such job',
    action: 'List the jobs; those that ended long ago are no longer kept.',
  },
  'jobs.cancelled': {
    status: 409,
    exit: exitCodes.cancelled,
    title: 'The job was cancelled',
    action: 'Ask for it again: it goes on from what is kept, or begins anew.',
  },
  'jobs.finished': {
    status: 409,
    exit: exitCodes.conflict,
    title: 'The job has ended already',
    action: 'Look at it to see how; nothing is left to be done.',
  },
  'jobs.stopping': {
    status: 503,
    exit: exitCodes.unavailable,
    title: 'The server is being stopped',
    action: 'The job goes on by itself when the server runs again; look at it then.',
  },
  'jobs.lost': {
    status: 500,
    exit: exitCodes.failed,
    title: 'The process that ran the job ended again and again',
    action: 'Look at the log of the server for why it ended, mend that, then ask for the job again.',
  },
  'jobs.queue': {
    status: 503,
    exit: exitCodes.unavailable,
    title: 'The queue that the servers share cannot be reached',
    action: 'Check that Redis runs, and its address and password in the configuration.',
  },
  // volumes, iscsi, block
  'volumes.full': {
    status: 507,
    exit: exitCodes.unavailable,
    title: 'The storage of the volumes is full',
    action:
      'Free space on the data folder (delete volumes or snapshots that are not needed), then write again: nothing that was answered is lost.',
  },
  'volumes.io': {
    status: 500,
    exit: exitCodes.unavailable,
    title: 'The storage of the volumes does not work',
    action:
      'Look at the kernel log for errors of the disk under the data folder, and restart the server once it is sound.',
  },
  'volumes.not-found': {
    status: 404,
    exit: exitCodes.notFound,
    title: 'There is no such volume, snapshot or attachment',
    action: 'List the volumes, and check the UUID.',
  },
  'volumes.invalid': {
    status: 400,
    exit: exitCodes.usage,
    title: 'The request does not fit the volume',
    action: 'Correct the named value.',
  },
  'volumes.attached': {
    status: 409,
    exit: exitCodes.conflict,
    title: 'The volume is attached',
    action: 'Detach it from the named initiators first.',
  },
  'volumes.in-use': {
    status: 409,
    exit: exitCodes.conflict,
    title: 'The volume belongs to another initiator',
    action: 'Detach the named initiator first, or clone the volume.',
  },
  'volumes.has-dependants': {
    status: 409,
    exit: exitCodes.conflict,
    title: 'Other disks are made of this one',
    action: 'Delete the named clones and snapshots first.',
  },
  'volumes.read-only': {
    status: 409,
    exit: exitCodes.conflict,
    title: 'The disk cannot be written',
    action: 'Attach it read-only, or make a machine disk from the same image.',
  },
  'volumes.quarantined': {
    status: 409,
    exit: exitCodes.conflict,
    title: 'The volume is in quarantine',
    action: 'Clone it to look at its content, or release it from quarantine.',
  },
  'volumes.locked': {
    status: 503,
    exit: exitCodes.conflict,
    title: 'Another process uses this data folder',
    action: 'Stop the other server first, or give this one another data folder.',
  },
  'volumes.damaged': {
    status: 500,
    exit: exitCodes.failed,
    title: 'The files of a volume are damaged',
    action: 'Restore the volume from a snapshot or a backup; its files are left as they were found.',
  },
  'block.file': {
    status: 422,
    exit: exitCodes.invalid,
    title: 'The file cannot serve as a disk',
    action: 'Name a regular file that is not empty and that this user may read and, unless read-only, write.',
  },
  'block.read-only': {
    status: 409,
    exit: exitCodes.refused,
    title: 'The disk is read-only',
    action: 'Attach a writable clone of it to write.',
  },
} as const satisfies Record<string, FaultEntry>;

export type FaultCode = keyof typeof faults;
