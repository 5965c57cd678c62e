// How commands answer: one JSON value under --json, text for people otherwise; and how failures look.
import { type Command } from 'commander';
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

/** Columns of text, aligned; the first row is the heading. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length);
  }
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Prints a failure on stderr (what, why, what to do) and returns the exit code that goes with it. */
export function reportFailure(context: CliContext, error: unknown): number {
  if (!(error instanceof Fault)) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    context.stderr.write(`mintmark: ${text}\n`);
    return exitCodes.failed;
  }
  const lines = [`mintmark: ${error.message} [${error.code}]`];
  for (let cause = error.cause; cause instanceof Error; cause = cause.cause) lines.push(`  because: ${cause.message}`);
  lines.push(`  ${error.action}`);
  context.stderr.write(`${lines.join('\n')}\n`);
  return faults[error.code].exit;
}
