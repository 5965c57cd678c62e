// The real server as a process of its own, on free loopback ports.
import { fileURLToPath } from 'node:url';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { z } from 'zod';

const launcher = fileURLToPath(new URL('../../../bin/mintmark.js', import.meta.url));
const announcement = z.object({ url: z.url() });

export interface Served {
  readonly url: string;
  /** Milliseconds of processor time that it has used so far, in all its threads. */
  cpu(): number;
  close(): Promise<void>;
}

/** Runs `mintmark serve` with its data in `data` and these further flags. */
export async function serve(data: string, flags: readonly string[]): Promise<Served> {
  const free = ['--http', '127.0.0.1:0', '--iscsi', '127.0.0.1:0', '--log-level', 'error', '--json'];
  const child = spawn(process.execPath, [launcher, 'serve', '--data', data, ...free, ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  const first = await Promise.race([once(createInterface({ input: child.stdout }), 'line'), ended]);
  const { url } = announcement.parse(JSON.parse(String(first[0])));
  return {
    url,
    cpu: () => {
      // Behind the name in brackets: state is the first, user and system time the 12th and 13th, in hundredths of a second.
      const fields =
        readFileSync(`/proc/${child.pid ?? 0}/stat`, 'utf8')
          .split(') ')[1]
          ?.split(' ') ?? [];
      return 10 * (Number(fields[11]) + Number(fields[12]));
    },
    close: async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      await ended;
    },
  };
}
