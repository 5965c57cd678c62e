// The command line as a client of the server: requests, problems turned back into faults, and where the server is.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Command } from 'commander';
import { Agent, fetch, type BodyInit, type Response } from 'undici';
import { z } from 'zod';
import { Fault } from '../src/errors/fault.ts';
import { faults, type FaultCode } from '../src/errors/table.ts';
import { operatorTokenFile, settings } from '../src/config/settings.ts';
import { type CliContext } from './context.ts';
import { readInput } from './files.ts';

export const defaultServer = 'http://127.0.0.1:8080';

/** Flags of every command that talks to a server. */
export interface ServerFlags {
  readonly server?: string;
  readonly tokenFile?: string;
  readonly json?: boolean;
}

/** Adds --server, --token-file and --json to a command. */
export function withServerFlags(command: Command): Command {
  return command
    .option('--server <url>', `address of the server (or MINTMARK_SERVER; default ${defaultServer})`)
    .option(
      '--token-file <file>',
      'file with the operator token (or MINTMARK_TOKEN_FILE, or the token in MINTMARK_TOKEN)',
    )
    .option('--json', 'print JSON');
}

const problemShape = z.looseObject({ code: z.string(), detail: z.string(), action: z.string().optional() });

/** Pulls take as long as they take: no time-out on the answer. */
const patient = new Agent({ headersTimeout: 0, bodyTimeout: 0 });

interface RequestParts {
  readonly method?: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: BodyInit;
}

export class Api {
  readonly #server: URL;
  readonly #token: string | undefined;
  readonly #signal: AbortSignal;

  constructor(server: URL, token: string | undefined, signal: AbortSignal) {
    this.#server = server;
    this.#token = token;
    this.#signal = signal;
  }

  /** The answer's JSON, as the schema says. Throws the fault that the server reports, or `unreachable`. */
  async json<Schema extends z.ZodType>(
    schema: Schema,
    path: string,
    init: { readonly method?: string; readonly body?: unknown } = {},
  ): Promise<z.output<Schema>> {
    const response = await this.send(path, {
      method: init.method ?? 'GET',
      headers: {
        Accept: 'application/json',
        ...(init.body === undefined ? {} : { 'Content-Type': 'application/json' }),
      },
      ...(init.body === undefined ? {} : { body: JSON.stringify(init.body) }),
    });
    return await this.read(schema, response);
  }

  /** The JSON of an answer, as the schema says. Throws `unreachable` where it is something else. */
  async read<Schema extends z.ZodType>(schema: Schema, response: Response): Promise<z.output<Schema>> {
    const parsed = schema.safeParse(response.status === 204 ? undefined : jsonIn(await response.text()));
    if (parsed.success) return parsed.data;
    throw this.noServer();
  }

  /** What there is to say where something answers that is no Mintmark server; `said`: what it said of itself. */
  noServer(said = ''): Fault {
    return new Fault('unreachable', `${this.#server.origin} answers, but not as a Mintmark server does${said}`, {
      action: 'Check the address with its port, and what stands before the server; versions may also differ too much.',
    });
  }

  /** One request; an answer of 400 and above is thrown as the fault it describes. */
  async send(path: string, init: RequestParts): Promise<Response> {
    const url = new URL(path, this.#server);
    const headers =
      this.#token === undefined ? init.headers : { ...init.headers, Authorization: `Bearer ${this.#token}` };
    let response: Response;
    try {
      response = await fetch(url, { ...init, headers, dispatcher: patient, signal: this.#signal });
    } catch (error) {
      const secure = url.protocol === 'https:';
      throw new Fault('unreachable', `no server answers at ${this.#server.origin}`, {
        cause: causeOf(error),
        ...(secure ? { action: 'Check the address and its certificate; a server without one is at http://.' } : {}),
      });
    }
    if (response.status >= 400) throw (await reportedFault(response)) ?? this.noServer(`: ${statusOf(response)}`);
    return response;
  }
}

/** fetch wraps what went wrong in "fetch failed". */
const causeOf = (error: unknown): unknown =>
  error instanceof Error && error.cause !== undefined ? error.cause : error;

/** Undefined where the text is no JSON. */
function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const statusOf = ({ status, statusText }: Response): string => `${status} ${statusText}`.trim();

/** The fault that a server of ours describes; undefined where the answer is not one of its. */
async function reportedFault(response: Response): Promise<Fault | undefined> {
  const problem = problemShape.safeParse(jsonIn(await response.text()));
  if (!problem.success) return undefined;
  const { code, detail, action, type: _type, title: _title, status: _status, ...details } = problem.data;
  const known = Object.hasOwn(faults, code) ? (code as FaultCode) : 'internal';
  return new Fault(known, detail, { details, ...(action === undefined ? {} : { action }) });
}

/** The API client for a command's flags and environment. */
export async function connect(context: CliContext, flags: ServerFlags): Promise<Api> {
  const address = flags.server ?? context.env['MINTMARK_SERVER'] ?? defaultServer;
  const server = URL.canParse(address) ? new URL(address) : undefined;
  if (server === undefined || !/^https?:$/u.test(server.protocol)) {
    throw new Fault('usage', `"${address}" is not the address of a server`, {
      action: `Give --server an address such as ${defaultServer}.`,
    });
  }
  if (server.username !== '' || server.password !== '') {
    throw new Fault('usage', 'the address of the server holds a name or a password', {
      action: 'Leave them out; the operator is known by a token: --token-file, or MINTMARK_TOKEN.',
    });
  }
  return new Api(server, await findToken(context, flags, server), context.signal);
}

async function findToken(context: CliContext, flags: ServerFlags, server: URL): Promise<string | undefined> {
  const file = flags.tokenFile ?? context.env['MINTMARK_TOKEN_FILE'];
  if (file === undefined || file === '') {
    const given = context.env['MINTMARK_TOKEN'];
    // What was found by itself goes to this machine only: another server has no business with it.
    return given ?? (loopback.test(server.hostname) ? await ownToken(context) : undefined);
  }
  const action = 'The server writes it as operator.token into its data folder; run as a user who may read it.';
  return (await readInput(file, action)).toString('utf8').trim();
}

const loopback = /^(localhost|127(\.\d+){3}|\[::1\])$/u;

/** The token of a server of this user on this machine, with its data where it is by default. */
async function ownToken(context: CliContext): Promise<string | undefined> {
  try {
    return (await readFile(join(settings.data.default(context.env), operatorTokenFile), 'utf8')).trim();
  } catch {
    return undefined;
  }
}
