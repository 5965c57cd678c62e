// `mintmark serve`: registry, cache and disks in one process, until Ctrl-C or SIGTERM.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { destination, pino } from 'pino';
import { formatEndpoint } from '../src/config/endpoint.ts';
import { startServer } from '../src/server.ts';
import { type CommandGroup } from './context.ts';
import { answer } from './print.ts';
import { configFromFlags, withSettingFlags } from './settings-flags.ts';

export const serveCommands: CommandGroup = (program, context) => {
  withSettingFlags(program.command('serve').description('serve registry, cache and disks until Ctrl-C'), context)
    .option('--json', 'print the addresses in use as JSON, on one line')
    .action(async (options: Readonly<Record<string, unknown>>) => {
      const { config } = configFromFlags(context, options);
      const log = pino({ level: config['log-level'] }, destination({ dest: 2, sync: true }));
      const server = await startServer({ config, log, now: context.now, randomness: randomBytes });
      const iscsi = formatEndpoint(server.iscsi);
      if (options['json'] === true) {
        context.stdout.write(`${JSON.stringify({ url: server.url, iscsi, tokenFile: server.tokenFile })}\n`);
      } else {
        answer(context, {}, undefined, () =>
          [`pages and API: ${server.url}`, `disks (iSCSI):  ${iscsi}`, `operator token: ${server.tokenFile}`].join(
            '\n',
          ),
        );
      }
      if (!context.signal.aborted) await once(context.signal, 'abort');
      await server.close();
    });
};
