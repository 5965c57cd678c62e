// `mintmark config`: what is in force, and where each value came from.
import { formatEndpoint } from '../src/config/endpoint.ts';
import { settingNames } from '../src/config/settings.ts';
import { type CommandGroup } from './context.ts';
import { answer, table } from './print.ts';
import { configFromFlags, withSettingFlags } from './settings-flags.ts';

function shown(value: unknown): string {
  if (value === undefined) return '-';
  if (typeof value === 'object' && value !== null && 'host' in value && 'port' in value) {
    return formatEndpoint({ host: String(value.host), port: Number(value.port) });
  }
  return Array.isArray(value) ? value.join(',') || '-' : String(value);
}

export const configCommands: CommandGroup = (program, context) => {
  withSettingFlags(
    program.command('config').description('print the settings in force and where each came from'),
    context,
  )
    .option('--json', 'print JSON')
    .action((options: Readonly<Record<string, unknown>>) => {
      const { config, origins } = configFromFlags(context, options);
      const rows = settingNames.map((name) => ({ name, value: config[name], origin: origins[name] }));
      answer(context, { json: options['json'] === true }, rows, () =>
        table([['setting', 'value', 'from'], ...rows.map((row) => [row.name, shown(row.value), row.origin])]),
      );
    });
};
