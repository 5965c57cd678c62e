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
  internal: {
    status: 500,
    exit: exitCodes.failed,
    title: 'Something broke inside Mintmark',
    action: 'Look at the log of the server, and report it with the lines around this error.',
  },
  usage: {
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
  unauthorized: {
    status: 401,
    exit: exitCodes.refused,
    title: 'This needs a token',
    action: 'Send the operator token (DATA/operator.token) as a bearer token, or set MINTMARK_TOKEN.',
  },
  // metadata, xml, signature, trust
  // registry, policy
  // vault, pull, jobs
  // volumes, iscsi, block
} as const satisfies Record<string, FaultEntry>;

export type FaultCode = keyof typeof faults;
