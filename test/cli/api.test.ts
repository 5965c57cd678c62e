// Whom the command line sends the operator token that it found by itself: servers on this machine, and nobody else.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { connect } from '../../cli/api.ts';
import { type CliContext } from '../../cli/context.ts';

const folder = mkdtempSync(join(tmpdir(), 'mintmark-token-'));
const seen: (string | undefined)[] = [];
const server = createServer((request, response) => {
  seen.push(request.headers.authorization);
  response.setHeader('content-type', 'application/json').end('{}');
});
let port = 0;

beforeAll(async () => {
  mkdirSync(join(folder, 'mintmark'));
  writeFileSync(join(folder, 'mintmark', 'operator.token'), 'of-this-machine\n');
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  ({ port } = server.address() as AddressInfo);
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

async function tokenSentTo(host: string, env: CliContext['env'] = {}): Promise<string | undefined> {
  const context: CliContext = {
    env: { XDG_DATA_HOME: folder, ...env },
    stdout: new PassThrough(),
    stderr: new PassThrough(),
    stdin: new PassThrough(),
    now: () => new Date(),
    signal: new AbortController().signal,
  };
  const api = await connect(context, { server: `http://${host}:${port}` });
  await api.json(z.object({}), '/');
  return seen.at(-1);
}

test('the token of the default data folder goes to this machine', async () => {
  expect(await tokenSentTo('127.0.0.1')).toBe('Bearer of-this-machine');
});

test('a name that is not this machine gets none, whatever it resolves to', async () => {
  expect(await tokenSentTo('127.0.0.1.nip.invalid').catch(() => 'unreachable')).toBe('unreachable');
  expect(await tokenSentTo('0.0.0.0')).toBeUndefined();
});

test('a token that was given goes where it was meant to go', async () => {
  expect(await tokenSentTo('0.0.0.0', { MINTMARK_TOKEN: 'given' })).toBe('Bearer given');
});
