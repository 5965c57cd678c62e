// What a rule found: the same as a failure, but pointing at the element instead of its line.
import { type Failure } from '../xml/failure.ts';
import { type XmlElement } from '../xml/tree.ts';
import { type RuleCode } from './rules.ts';

export interface Finding {
  readonly code: RuleCode;
  readonly at: XmlElement;
  readonly message: string;
}

/** Says which line of the document each finding is at. */
export function toFailures(findings: readonly Finding[], lineOf: (element: XmlElement) => number): Failure[] {
  return findings.map(({ code, at, message }) => ({ code, element: at.term, line: lineOf(at), message }));
}
