// Failures as problem documents (RFC 9457): the one place where a fault becomes an HTTP answer.
import { Fault } from '../errors/fault.ts';
import { faults, type FaultCode } from '../errors/table.ts';
import { escapeText, escapeValue } from '../xml/write-canonical.ts';

/** RFC 9457 §3, with the extensions `code`, `action` and whatever particulars the fault carries. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: FaultCode;
  readonly action: string;
  readonly [particular: string]: unknown;
}

/** What a program sees of a failure. The message of an unexpected error stays in the log. */
export function problemOf(error: unknown): Problem {
  const fault = error instanceof Fault ? error : (bodyFault(error) ?? new Fault('internal', 'an unexpected failure'));
  const { status, title } = faults[fault.code];
  return {
    ...fault.details,
    type: `urn:mintmark:fault:${fault.code}`,
    title,
    status,
    detail: fault.message,
    code: fault.code,
    action: fault.action,
  };
}

/** What XML has no way to write (XML 1.0 §2.2). */
const unwritable = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu;

/** The problem for a program that reads XML: StratusLab's clients show the text of `error`. */
export function problemXml({ code, status, detail, action }: Problem): string {
  const text = `${detail}${/[.!?]$/u.test(detail) ? '' : '.'} ${action}`.replaceAll(unwritable, '\uFFFD');
  const attributes = `code="${escapeValue(code)}" status="${status}"`;
  return `<?xml version="1.0" encoding="UTF-8"?>\n<error ${attributes}>${escapeText(text)}</error>\n`;
}

/** Express' own body and path errors carry a status of 4xx; they are the caller's mistakes. */
function bodyFault(error: unknown): Fault | undefined {
  if (!(error instanceof Error) || !('status' in error) || typeof error.status !== 'number') return undefined;
  if (error.status === 413) return new Fault('too-large', error.message, { cause: error });
  if (error.status === 415) return new Fault('media-type', error.message, { cause: error });
  if (error.status >= 400 && error.status < 500) return new Fault('usage', error.message, { cause: error });
  return undefined;
}
