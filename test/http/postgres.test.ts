// The whole server on PostgreSQL, by configuration alone: pages, API, disks, and the registry commands beside it.
import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadLogKey } from '../../src/registry/log/key.ts';
import { postgresTools, startCluster, type Cluster } from '../db/postgres-cluster.ts';
import { launcher, mintmarkJson, run } from '../e2e/command.ts';
import { describeWithTools } from '../setup/tools.ts';
import { TestServer } from './running-server.ts';

describeWithTools('a server on PostgreSQL', postgresTools, () => {
  let cluster: Cluster;
  let server: TestServer;
  /** How a command reaches the registry of the server. */
  let site: readonly string[];

  beforeAll(async () => {
    cluster = await startCluster();
    server = await TestServer.open({ 'database': cluster.location().url, 'log-name': 'images.example.org/log' });
    site = ['--data', join(server.folder, 'data'), '--database', cluster.location().url];
  });
  afterAll(async () => {
    await server?.close();
    await cluster?.stop();
  });

  const publish = async (name: string): Promise<string> => {
    const response = await server.upload(await server.document(name, Buffer.alloc(4096, name)));
    expect(response.status).toBe(201);
    return ((await response.json()) as { entry: { identifier: string } }).entry.identifier;
  };
  const total = async (query: string): Promise<unknown> => {
    const response = await server.fetch(`/metadata?${query}`, { headers: { accept: 'application/json' } });
    return ((await response.json()) as { total: number }).total;
  };

  test('an upload is found, pulled and made a disk of, also after a crash of the database', async () => {
    const identifier = await publish('one');
    expect(await total('q=one')).toBe(1);
    await cluster.crash();
    expect(await total('q=one')).toBe(1);
    expect((await server.operator('POST', '/volumes', { image: identifier })).status).toBe(201);
    expect((await server.fetch('/log', { headers: { accept: 'text/html' } })).status).toBe(200);
    expect(await (await server.fetch('/log/checkpoint')).text()).toMatch(/^images\.example\.org\/log\n1\n/u);
  });

  test('the registry is mirrored, exported and, once the server has stopped, rebuilt', async () => {
    await publish('two');
    const file = join(server.folder, 'registry.bundle');
    expect(await mintmarkJson(['registry', 'export', ...site, '-o', file])).toMatchObject({ size: 2 });
    await cluster.createDatabase('mirror');
    const mirror = ['--data', join(server.folder, 'mirror'), '--database', cluster.location('mirror').url];
    expect(await mintmarkJson(['registry', 'mirror', server.url, ...mirror])).toMatchObject({ created: 2 });
    expect(await mintmarkJson(['registry', 'import', file, ...mirror])).toMatchObject({ created: 0 });
    expect(await mintmarkJson(['registry', 'reindex', ...mirror])).toMatchObject({ entries: 2, leaves: 2 });

    const beside = await run(process.execPath, [launcher, 'registry', 'reindex', ...site]);
    expect(beside).toMatchObject({ code: 6, stderr: expect.stringContaining('[db.in-use]') as string });
    await server.restart(() => mintmarkJson(['registry', 'reindex', ...site]));
    expect(await total('')).toBe(2);
  }, 120_000);

  test('another name for its log, or another key, is refused', async () => {
    // A folder of its own, for one is of one server; with the key of the log.
    const folder = join(server.folder, 'named');
    mkdirSync(folder);
    copyFileSync(join(server.folder, 'data', 'log.key'), join(folder, 'log.key'));
    const database = ['--database', cluster.location().url];
    const named = ['--data', folder, ...database, '--log-name', 'elsewhere.example.org/log'];
    const keyless = join(server.folder, 'keyless');
    const other = join(server.folder, 'other.key');
    await loadLogKey(other, 'another.example.org/log');
    for (const [args, code] of [
      [named, 'registry.log-name'],
      [['--data', keyless, ...database], 'registry.log-key'],
      [['--data', keyless, ...database, '--log-key', other], 'registry.log-key'],
    ] as const) {
      const ended = await run(process.execPath, [launcher, 'serve', '--http', '127.0.0.1:0', ...args]);
      expect(ended.stderr).toContain(`[${code}]`);
    }
    // No key was left behind that would have to be taken away again.
    expect(existsSync(join(keyless, 'log.key'))).toBe(false);
  }, 60_000);
});
