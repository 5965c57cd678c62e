// The one error type that crosses rooms: what went wrong, why, and what to do about it.
import { faults, type FaultCode } from './table.ts';

export interface FaultOptions {
  /** The error that led to this one. */
  readonly cause?: unknown;
  /** What the reader can do about it, where the table's own advice is too general. */
  readonly action?: string;
  /** Machine-readable particulars; they are shown to the caller, so no secrets. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** An expected failure. `code` is stable and listed in docs/errors.md; `message` is for people. */
export class Fault extends Error {
  override readonly name = 'Fault';
  readonly code: FaultCode;
  readonly action: string;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: FaultCode, message: string, options: FaultOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.action = options.action ?? faults[code].action;
    this.details = options.details ?? {};
  }
}
