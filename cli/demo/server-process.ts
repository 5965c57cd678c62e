// Starts the real `mintmark serve` as a process of its own, on free ports, and ends it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { DemoFailure } from './narrator.ts';

const announcement = z.object({ url: z.url(), iscsi: z.string(), tokenFile: z.string() });

export type ServerProcess = z.output<typeof announcement> & {
  /** Ends it: politely, or as `kill -9` does. */
  close(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>;
};

/**
 * Runs `mintmark serve` with its data in `dataDir`; images may be pulled from loopback. `launcher` is bin/mintmark.js;
 * a flag in `more` wins over the one that is given here.
 */
export async function startServerProcess(
  launcher: string,
  dataDir: string,
  more: readonly string[] = [],
): Promise<ServerProcess> {
  const free = ['--data', dataDir, '--http', '127.0.0.1:0', '--iscsi', '127.0.0.1:0', '--pull-allow', '127.0.0.0/8'];
  const flags = [...free, ...more];
  const child = spawn(process.execPath, [launcher, 'serve', ...flags, '--log-level', 'error', '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  const lines = createInterface({ input: child.stdout });
  const first = await Promise.race([once(lines, 'line'), ended.then(() => undefined)]);
  if (first === undefined) throw new DemoFailure('the server ended before it was up');
  const close = async (signal: NodeJS.Signals = 'SIGTERM'): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    await ended;
  };
  try {
    return { ...announcement.parse(JSON.parse(String(first[0]))), close };
  } catch (error) {
    await close();
    throw error;
  }
}
