// A PostgreSQL of Debian's for one test file or benchmark: its own folder, no port but a socket in it, never as root.
import { execFile } from 'node:child_process';
import { chown, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { existsSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startSmallDisk, type SmallDisk } from './small-disk.ts';

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
  /** Starts the server where it has ended by itself. */
  revive(): Promise<void>;
  /** The small disk that was asked for. */
  readonly disk: SmallDisk | undefined;
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

export interface ClusterOptions {
  /** Commits wait for the disk, as they do in use; tests do without. */
  readonly durable?: boolean;
  /** A disk of its own for all that the server keeps, for new tables, or for the log of its writes. Takes a root. */
  readonly disk?: { readonly mebibytes: number; readonly holds: 'everything' | 'tables' | 'writes' };
}

export async function startCluster({ durable = false, disk: small }: ClusterOptions = {}): Promise<Cluster> {
  const user = await unprivileged();
  const folder = await mkdtemp(join(tmpdir(), 'mintmark-pg-'));
  if (user.uid !== undefined && user.gid !== undefined) await chown(folder, user.uid, user.gid);
  const mounted = join(folder, 'disk');
  await mkdir(mounted);
  const disk = small === undefined ? undefined : await startSmallDisk(mounted, `${small.mebibytes}m`);
  const data = join(small?.holds === 'everything' ? mounted : folder, 'data');
  const environment = { cwd: folder, env: { PATH: process.env['PATH'], LC_ALL: 'C' } };
  /** Runs a program where the disk is seen, and not as root. */
  const runProgram = (program: string, options: readonly string[]) => {
    if (disk === undefined) return run(program, [...options], { ...user, ...environment });
    const as = ['setpriv', `--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups'];
    const [enter = '', ...words] = [...disk.enter, ...as, program, ...options];
    return run(enter, words, environment);
  };
  const postgres = (name: string, ...options: readonly string[]) => runProgram(join(programs(), name), options);
  const settings = [
    `-c listen_addresses='' -c fsync=${durable ? 'on' : 'off'} -k ${folder}`,
    // The log of writes begins small, and grows until the disk is full.
    disk === undefined ? '' : '-c min_wal_size=2MB -c max_wal_size=4MB -c wal_keep_size=1GB',
  ].join(' ');
  const start = () => postgres('pg_ctl', '-D', data, '-w', '-s', '-l', join(folder, 'log'), '-o', settings, 'start');
  const stop = (mode: string) => postgres('pg_ctl', '-D', data, '-w', '-s', '-m', mode, 'stop');
  const client = ['-h', folder, '-U', 'mintmark'];
  const locale = ['-A', 'trust', '-E', 'UTF8', '--locale=C'];
  const writes = small?.holds === 'writes' ? [`--waldir=${mounted}/writes`] : [];
  const segments = disk === undefined ? [] : ['--wal-segsize=1', ...writes];
  await postgres('initdb', '-D', data, '-U', 'mintmark', ...locale, '--no-sync', ...segments);
  await start();
  if (small?.holds === 'tables') {
    const place = join(mounted, 'tables');
    await runProgram('mkdir', [place]);
    await postgres('psql', ...client, '-d', 'postgres', '-q', '-c', `create tablespace small location '${place}'`);
    await postgres('createdb', ...client, '-D', 'small', 'small');
  }
  return {
    disk,
    location: (database = small?.holds === 'tables' ? 'small' : 'postgres') => ({
      url: `postgres://mintmark@/${database}?host=${encodeURIComponent(folder)}`,
    }),
    createDatabase: async (name) => {
      await postgres('createdb', ...client, name);
    },
    crash: async () => {
      await stop('immediate');
      await start();
    },
    revive: async () => {
      const running = await postgres('pg_ctl', '-D', data, 'status').then(
        () => true,
        () => false,
      );
      if (!running) await start();
    },
    stop: async () => {
      await stop('immediate').catch((error: unknown) => {
        if (disk === undefined) throw error;
      });
      await disk?.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
