// `mintmark config`: what is in force, and where each value came from.
import { formatEndpoint, type Endpoint } from '../src/config/endpoint.ts';
import { withoutSecrets } from '../src/config/secret.ts';
import { settingNames, settings, type Config, type SettingName } from '../src/config/settings.ts';
import { type CommandGroup } from './context.ts';
import { answer, table } from './print.ts';
import { configFromFlags, withSettingFlags } from './settings-flags.ts';

/** Endpoints are shown as they are written, HOST:PORT; passwords are not. */
function shown(name: SettingName, value: Config[SettingName]): Exclude<Config[SettingName], Endpoint> {
  if (typeof value === 'object' && 'host' in value) return formatEndpoint(value);
  const setting = settings[name];
  if (!('secret' in setting) || typeof value !== 'string') return value;
  return setting.secret === 'whole' ? '***' : withoutSecrets(value);
}

export const configCommands: CommandGroup = (program, context) => {
  withSettingFlags(
    program.command('config').description('print the settings in force and where each came from'),
    context,
  )
    .option('--json', 'print JSON')
    .action((options: Readonly<Record<string, unknown>>) => {
      const { config, origins } = configFromFlags(context, options);
      const rows = settingNames.map((name) => ({ name, value: shown(name, config[name]), origin: origins[name] }));
      answer(context, { json: options['json'] === true }, rows, () =>
        table([
          ['setting', 'value', 'from'],
          ...rows.map((row) => [row.name, row.value?.toString() || '-', row.origin]),
        ]),
      );
    });
};
