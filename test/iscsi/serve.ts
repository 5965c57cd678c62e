// Runs the real `mintmark iscsi serve` for a test, and stops it again.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { z } from 'zod';

const served = z.object({ portals: z.array(z.string()), urls: z.array(z.string()) });

export interface ServedDisk {
  /** iscsi:// address of LUN 1, one for each portal. */
  readonly urls: readonly string[];
  /** host:port, one for each portal. */
  readonly portals: readonly string[];
  /** Stops it with SIGTERM; resolves to its exit code. */
  stop(): Promise<number | null>;
  /** Ends it with SIGKILL. */
  kill(): Promise<void>;
}

export const testIqn = 'iqn.2026-01.org.mintmark:test';

export async function serveFile(file: string, options: readonly string[] = [], portals = 1): Promise<ServedDisk> {
  const listen = Array.from({ length: portals }, () => ['--portal', '127.0.0.1:0']).flat();
  const argv = ['bin/mintmark.js', 'iscsi', 'serve', file, ...listen, '--iqn', testIqn, '--json', ...options];
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  let text = '';
  child.stdout.setEncoding('utf8');
  for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) {
    text += String(chunk);
    if (text.trimEnd().endsWith('}')) break;
  }
  if (text === '') throw new Error('mintmark iscsi serve ended before it served');
  return {
    ...served.parse(JSON.parse(text)),
    async stop() {
      child.kill('SIGTERM');
      await exited;
      return child.exitCode;
    },
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
