// The server's settings as flags, and the configuration that they, the environment and a file make together.
import { readFileSync } from 'node:fs';
import { Option, type Command } from 'commander';
import { loadConfig, type LoadedConfig } from '../src/config/load.ts';
import { environmentName, settingNames, settings, type SettingName } from '../src/config/settings.ts';
import { Fault } from '../src/errors/fault.ts';
import { type CliContext } from './context.ts';
import { optionKey } from './option-key.ts';

/** Adds --config and a flag per setting, or for those that are named. */
export function withSettingFlags(
  command: Command,
  context: CliContext,
  names: readonly SettingName[] = settingNames,
): Command {
  command.option('--config <file>', 'JSON file with settings, named as the flags are (or MINTMARK_CONFIG)');
  for (const name of names) {
    const { value, description, default: fallback } = settings[name];
    const given = fallback(context.env);
    const shown = given === undefined || (Array.isArray(given) && given.length === 0) ? 'none' : String(given);
    command.addOption(
      new Option(
        value === undefined ? `--${name}` : `--${name} <${value}>`,
        `${description} (${environmentName(name)}; default: ${shown})`,
      ),
    );
  }
  return command;
}

/** The configuration in force for the flags of one command line. */
export function configFromFlags(context: CliContext, options: Readonly<Record<string, unknown>>): LoadedConfig {
  const flags: Partial<Record<SettingName, unknown>> = {};
  for (const name of settingNames) flags[name] = options[optionKey(name)];
  const name = options['config'] ?? context.env['MINTMARK_CONFIG'];
  if (typeof name !== 'string') return loadConfig({ flags, env: context.env });
  return loadConfig({ flags, env: context.env, file: { name, text: configText(name) } });
}

function configText(name: string): string {
  try {
    return readFileSync(name, 'utf8');
  } catch (error) {
    throw new Fault('config.unreadable', `the configuration file ${name} cannot be read`, { cause: error });
  }
}
