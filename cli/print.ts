// How commands answer: one JSON value under --json, text for people otherwise; and how failures look.
import { type Command } from 'commander';
import { z } from 'zod';
import { Fault } from '../src/errors/fault.ts';
import { exitCodes, faults } from '../src/errors/table.ts';
import { type CliContext } from './context.ts';

/** Prints `value` as JSON under --json, else the text of `forPeople`. */
export function answer(
  context: CliContext,
  options: { readonly json?: boolean },
  value: unknown,
  forPeople: () => string,
): void {
  context.stdout.write(options.json === true ? `${JSON.stringify(value, undefined, 2)}\n` : `${forPeople()}\n`);
}

/** The group of commands with this name, which another file may have begun. */
export function commandGroup(program: Command, name: string): Command {
  return program.commands.find((command) => command.name() === name) ?? program.command(name);
}

/** A terminal's width in characters, and which columns may be cut where a row is wider. */
export interface Fit {
  /** Undefined where it is no terminal: then nothing is cut. */
  readonly width: number | undefined;
  readonly columns: readonly number[];
}

/** Columns are cut to this many characters at most. */
const narrowest = 12;

/** What others wrote, as one line that cannot steer a terminal or turn the direction of writing. */
function oneLine(text: string): string {
  return text.replaceAll(/\s+/gu, ' ').replaceAll(/[\p{Cc}\u200E\u200F\u202A-\u202E\u2066-\u2069]/gu, '\uFFFD');
}

function cut(widths: number[], { width = Infinity, columns }: Fit): void {
  for (;;) {
    const total = widths.reduce((sum, one) => sum + one + 2, -2);
    const [widest] = columns.toSorted((a, b) => (widths[b] ?? 0) - (widths[a] ?? 0));
    const most = widest === undefined ? 0 : (widths[widest] ?? 0);
    if (total <= width || widest === undefined || most <= narrowest) return;
    widths[widest] = Math.max(narrowest, most - 1);
  }
}

const fitted = (cell: string, width: number): string =>
  cell.length > width ? `${cell.slice(0, width - 1)}…` : cell.padEnd(width);

/** Columns of text, aligned; the first row is the heading. */
export function table(texts: readonly (readonly string[])[], fit: Fit = { width: undefined, columns: [] }): string {
  const rows = texts.map((row) => row.map((cell) => oneLine(cell)));
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length);
  }
  cut(widths, fit);
  return rows
    .map((row) =>
      row
        .map((cell, column) => fitted(cell, widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

const failureShape = z.object({
  failures: z
    .array(
      z.object({ code: z.string(), element: z.string().optional(), line: z.number().optional(), message: z.string() }),
    )
    .min(2),
});

/** Each of several failures of a document; a single one is in the message already. */
function failuresIn(details: unknown): readonly string[] {
  const { data } = failureShape.safeParse(details);
  return (data?.failures ?? []).map(({ code, element, line, message }) => {
    const where = [line === undefined ? '' : `line ${line}`, element ?? ''].filter((part) => part !== '').join(', ');
    return oneLine(`${where === '' ? '' : `${where}: `}${message} [${code}]`);
  });
}

/** Prints a failure on stderr (what, why, what to do) and returns the exit code that goes with it. */
export function reportFailure(context: CliContext, error: unknown): number {
  if (!(error instanceof Fault)) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    context.stderr.write(`mintmark: ${text}\n`);
    return exitCodes.failed;
  }
  const lines = [`mintmark: ${error.message} [${error.code}]`];
  for (const text of failuresIn(error.details)) lines.push(`  ${text}`);
  for (let cause = error.cause; cause instanceof Error; cause = cause.cause) lines.push(`  because: ${cause.message}`);
  lines.push(`  ${error.action}`);
  context.stderr.write(`${lines.join('\n')}\n`);
  return faults[error.code].exit;
}
