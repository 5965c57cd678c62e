// A PostgreSQL of Debian's for one test file or benchmark: its own folder, no port but a socket in it, never as root.
import { execFile } from 'node:child_process';
import { chown, mkdtemp, rm } from 'node:fs/promises';
import { existsSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Where Debian keeps the programs of its newest PostgreSQL; what apt would install, where there is none. */
function programs(): string {
  const versions = '/usr/lib/postgresql';
  const [newest] = existsSync(versions) ? readdirSync(versions).sort((a, b) => Number(b) - Number(a)) : [];
  return join(versions, newest ?? '15', 'bin');
}

/** What a suite on PostgreSQL needs. */
export const postgresTools: readonly string[] = [join(programs(), 'postgres'), join(programs(), 'initdb')];

export interface Cluster {
  /** Where a database of it is; the first one where no name is given. */
  location(database?: string): { readonly url: string };
  createDatabase(name: string): Promise<void>;
  /** Kills the server without warning, and starts it again. */
  crash(): Promise<void>;
  stop(): Promise<void>;
}

async function unprivileged(): Promise<{ readonly uid?: number; readonly gid?: number }> {
  if (process.getuid?.() !== 0) return {};
  const [{ stdout: uid }, { stdout: gid }] = await Promise.all([
    run('id', ['-u', 'nobody']),
    run('id', ['-g', 'nobody']),
  ]);
  return { uid: Number(uid), gid: Number(gid) };
}

/** `durable`: commits wait for the disk, as they do in use; tests do without. */
export async function startCluster({ durable = false }: { readonly durable?: boolean } = {}): Promise<Cluster> {
  const user = await unprivileged();
  const folder = await mkdtemp(join(tmpdir(), 'mintmark-pg-'));
  if (user.uid !== undefined && user.gid !== undefined) await chown(folder, user.uid, user.gid);
  const data = join(folder, 'data');
  const options = { ...user, cwd: folder, env: { PATH: process.env['PATH'], LC_ALL: 'C' } };
  const start = () =>
    run(
      join(programs(), 'pg_ctl'),
      [
        '-D',
        data,
        '-w',
        '-s',
        '-l',
        join(folder, 'log'),
        '-o',
        `-c listen_addresses='' -c fsync=${durable ? 'on' : 'off'} -k ${folder}`,
        'start',
      ],
      options,
    );
  const stop = (mode: string) => run(join(programs(), 'pg_ctl'), ['-D', data, '-w', '-s', '-m', mode, 'stop'], options);
  const initdb = ['-D', data, '-U', 'mintmark', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'];
  await run(join(programs(), 'initdb'), initdb, options);
  await start();
  return {
    location: (database = 'postgres') => ({
      url: `postgres://mintmark@/${database}?host=${encodeURIComponent(folder)}`,
    }),
    createDatabase: async (name) => {
      await run(join(programs(), 'createdb'), ['-h', folder, '-U', 'mintmark', name], options);
    },
    crash: async () => {
      await stop('immediate');
      await start();
    },
    stop: async () => {
      await stop('immediate');
      await rm(folder, { recursive: true, force: true });
    },
  };
}
