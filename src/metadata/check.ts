// All rules of a document's content together, as failures with their lines: what validation says beside the signature.
import { readStrict, type StrictDocument } from '../xml/document.ts';
import { type Failure } from '../xml/failure.ts';
import { type Schema } from '../xml/schema.ts';
import { type XmlElement } from '../xml/tree.ts';
import { type ReadClock } from './consistency.ts';
import { toFailures } from './finding.ts';
import { type ImageMetadata } from './model.ts';
import { readMetadata } from './read.ts';
import { schemaFailures } from './schema.ts';
import { checkComments } from './structure.ts';

export interface ContentCheck {
  /** There only where nothing failed. */
  readonly metadata: ImageMetadata | undefined;
  readonly failures: readonly Failure[];
}

/**
 * Checks the content of a document. `root` is what is read: the document's own root, or the tree of the text that was
 * signed, whose elements stand in the same order.
 */
export function checkContent(
  document: StrictDocument,
  root: XmlElement,
  schema: Schema,
  clock: ReadClock,
): ContentCheck {
  const { metadata, findings } = readMetadata(root, clock);
  const named = toFailures([...findings, ...checkComments(document.root)], document.lineOf);
  const failures = [...named, ...schemaFailures(schema, document, named)];
  return { metadata: failures.length === 0 ? metadata : undefined, failures };
}

/** Checks everything but the signature, which may be missing: for a document on its way to being signed. */
export function checkUnsigned(bytes: Uint8Array, schema: Schema, clock: ReadClock): ContentCheck {
  const { document, failures } = readStrict(bytes);
  if (!document) return { metadata: undefined, failures };
  try {
    return checkContent(document, document.root, schema, clock);
  } finally {
    document[Symbol.dispose]();
  }
}
