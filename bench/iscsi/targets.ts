// The two targets that are compared, each a process of its own on a free port, serving the same file.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { benchNames } from './names.ts';

const run = promisify(execFile);
const iqn = benchNames.file;
/** Clock ticks per second of /proc/PID/stat. */
const ticksPerSecond = 100;

export interface RunningTarget {
  readonly name: string;
  /** iscsi:// address of the disk. */
  readonly url: string;
  /** Seconds of processor time that it has used so far. */
  processorSeconds(): number;
  /** Resident memory in bytes. */
  residentBytes(): number;
  stop(): Promise<void>;
}

function describe(name: string, url: string, child: ChildProcess, signal: NodeJS.Signals): RunningTarget {
  const pid = child.pid ?? 0;
  const exited = once(child, 'exit');
  return {
    name,
    url,
    processorSeconds() {
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
      return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
    },
    residentBytes() {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024;
    },
    async stop() {
      child.kill(signal);
      await exited;
    },
  };
}

export async function startMintmark(file: string): Promise<RunningTarget> {
  const argv = ['bin/mintmark.js', 'iscsi', 'serve', file, '--portal', '127.0.0.1:0', '--iqn', iqn];
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) {
    text += String(chunk);
    if (/iscsi:\S+\/1\n/.test(text)) break;
  }
  const url = /iscsi:\S+/.exec(text)?.[0];
  if (url === undefined) throw new Error('mintmark iscsi serve did not start');
  return describe('mintmark', url, child, 'SIGTERM');
}

/** The targets of disks-worker.ts in a process of their own; `url` is without the target's name. */
export async function startDisks(file: string, folder: string): Promise<RunningTarget> {
  const script = fileURLToPath(new URL('disks-worker.js', import.meta.url));
  const child = spawn(process.execPath, [script, file, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return describe('mintmark', `iscsi://127.0.0.1:${String(line).trim()}`, child, 'SIGTERM');
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

/** tgt with a control socket of its own, so that no other tgt on the machine is touched. */
export async function startTgt(file: string): Promise<RunningTarget> {
  const port = await freePort();
  // At most 32,767.
  const control = String(port % 32_768);
  const child = spawn('/usr/sbin/tgtd', ['-f', '-C', control, '--iscsi', `portal=127.0.0.1:${port}`], {
    stdio: 'ignore',
  });
  const admin = async (...argv: readonly string[]): Promise<void> => {
    await run('/usr/sbin/tgtadm', ['-C', control, '--lld', 'iscsi', ...argv]);
  };
  for (let attempt = 0; ; attempt += 1) {
    await delay(200);
    try {
      await admin('--mode', 'target', '--op', 'new', '--tid', '1', '-T', iqn);
      break;
    } catch (error) {
      if (attempt === 20) throw error;
    }
  }
  await admin('--mode', 'logicalunit', '--op', 'new', '--tid', '1', '--lun', '1', '-b', file);
  await admin('--mode', 'target', '--op', 'bind', '--tid', '1', '-I', 'ALL');
  // tgtd does not leave on SIGTERM while a target is there.
  return describe('tgt', `iscsi://127.0.0.1:${port}/${iqn}/1`, child, 'SIGKILL');
}
