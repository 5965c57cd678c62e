// Puts the configuration together: flags over environment over file over defaults, each value checked where it came from.
import { z } from 'zod';
import { Fault } from '../errors/fault.ts';
import { environmentName, settingNames, settings, type Config, type Env, type SettingName } from './settings.ts';

export type Origin = 'flag' | 'environment' | 'file' | 'default';

export interface LoadedConfig {
  readonly config: Config;
  readonly origins: Readonly<Record<SettingName, Origin>>;
}

interface Sources {
  readonly flags: Readonly<Partial<Record<SettingName, unknown>>>;
  readonly env: Env;
  /** Text of the configuration file (JSON), and its name for messages. */
  readonly file?: { readonly name: string; readonly text: string };
}

function readFile(file: Sources['file']): Readonly<Record<string, unknown>> {
  if (file === undefined) return {};
  let content: unknown;
  try {
    content = JSON.parse(file.text);
  } catch (error) {
    throw new Fault('config.unreadable', `${file.name} is not JSON`, { cause: error });
  }
  const object = z.record(z.string(), z.unknown()).safeParse(content);
  if (!object.success) throw new Fault('config.unreadable', `${file.name} must hold one JSON object`);
  const unknown = Object.keys(object.data).find((name) => !Object.hasOwn(settings, name));
  if (unknown !== undefined) {
    throw new Fault('config.invalid', `${file.name}: there is no setting "${unknown}"`, {
      action: `The settings are ${settingNames.join(', ')}.`,
    });
  }
  return object.data;
}

/** The configuration in force and where each value came from. Throws `config.unreadable` or `config.invalid`. */
export function loadConfig(sources: Sources): LoadedConfig {
  const file = readFile(sources.file);
  const values: Partial<Record<SettingName, unknown>> = {};
  const origins: Partial<Record<SettingName, Origin>> = {};
  for (const name of settingNames) {
    const candidates: readonly [Origin, unknown][] = [
      ['flag', sources.flags[name]],
      ['environment', sources.env[environmentName(name)]],
      ['file', file[name]],
    ];
    const [origin, raw] = candidates.find(([, value]) => value !== undefined) ?? [
      'default',
      settings[name].default(sources.env),
    ];
    const parsed = settings[name].schema.safeParse(raw);
    if (!parsed.success) {
      const where = { flag: `--${name}`, environment: environmentName(name), file: sources.file?.name, default: name };
      throw new Fault('config.invalid', `${where[origin]}: ${parsed.error.issues[0]?.message ?? 'is not valid'}`, {
        action: `Expected: ${settings[name].description}.`,
      });
    }
    values[name] = parsed.data;
    origins[name] = origin;
  }
  return { config: values as Config, origins: origins as Record<SettingName, Origin> };
}
