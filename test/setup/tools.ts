// Suites that need a program which is not on npm name it here; without it they are left out, and under CI=true they fail.
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe, test } from 'vitest';

/** Marks the name of a suite that was left out; the reporter's summary looks for it. */
export const leftOutMark = 'left out, needs';

const places = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin'];

/** The path of a program, or undefined where this machine lacks it. An absolute path is looked for as it is. */
export function findTool(name: string): string | undefined {
  const candidates = name.startsWith('/') ? [name] : places.map((place) => join(place, name));
  return candidates.find((candidate) => {
    try {
      accessSync(candidate, name.startsWith('/') ? constants.R_OK : constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/**
 * A suite that needs real programs (names on the PATH, or absolute paths of files). Where one is missing the suite is
 * left out and named in the summary; under CI=true that is a failure.
 */
export function describeWithTools(name: string, tools: readonly string[], suite: () => void): void {
  const missing = tools.filter((tool) => findTool(tool) === undefined);
  if (missing.length === 0) {
    describe(name, suite);
    return;
  }
  const title = `${name} [${leftOutMark} ${missing.join(', ')}]`;
  if (process.env['CI'] === 'true') {
    test(title, () => {
      throw new Error(`${missing.join(', ')} not found; run: npm run test:tools`);
    });
    return;
  }
  describe.skip(title, suite);
}
