// One thing that is wrong with a document, as every room from here up reports it.

export interface Failure {
  /** Stable code of the rule, such as `identifier-mismatch`; docs/metadata-rules.md lists them. */
  readonly code: string;
  /** The element it was found at, such as `slreq:bytes`. */
  readonly element?: string;
  /** Line in the document, from 1. */
  readonly line?: number;
  /** A sentence that says what is wrong and what to do. */
  readonly message: string;
}
