// `mintmark config`: what is in force, and where each value came from.
import { formatEndpoint, type Endpoint } from '../src/config/endpoint.ts';
import { settingNames, type Config, type SettingName } from '../src/config/settings.ts';
import { type CommandGroup } from './context.ts';
import { answer, table } from './print.ts';
import { configFromFlags, withSettingFlags } from './settings-flags.ts';

/** Endpoints are shown as they are written: HOST:PORT. */
const asWritten = (value: Config[SettingName]): Exclude<Config[SettingName], Endpoint> =>
  typeof value === 'object' && 'host' in value ? formatEndpoint(value) : value;

export const configCommands: CommandGroup = (program, context) => {
  withSettingFlags(
    program.command('config').description('print the settings in force and where each came from'),
    context,
  )
    .option('--json', 'print JSON')
    .action((options: Readonly<Record<string, unknown>>) => {
      const { config, origins } = configFromFlags(context, options);
      const rows = settingNames.map((name) => ({ name, value: asWritten(config[name]), origin: origins[name] }));
      answer(context, { json: options['json'] === true }, rows, () =>
        table([
          ['setting', 'value', 'from'],
          ...rows.map((row) => [row.name, row.value?.toString() || '-', row.origin]),
        ]),
      );
    });
};
