// What a command may touch of the outside world, so that tests can hand it something else.
import { type Command } from 'commander';

export interface CliContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `columns`: the width of a terminal. */
  readonly stdout: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean };
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly now: () => Date;
  /** Aborted by the first Ctrl-C or SIGTERM: long commands stop cleanly and tell what is kept. */
  readonly signal: AbortSignal;
}

/** One file of cli/ adds one group of commands to the program. */
export type CommandGroup = (program: Command, context: CliContext) => void;
