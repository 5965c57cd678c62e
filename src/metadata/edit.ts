// Changes single properties of a document that exists, and leaves everything else of it as it is.
import { Fault } from '../errors/fault.ts';
import { readStrict } from '../xml/document.ts';
import { readPlain } from '../xml/read-plain.ts';
import { isElement, type XmlChild, type XmlElement } from '../xml/tree.ts';
import { writeCanonical } from '../xml/write-canonical.ts';

/** The element with other children. */
export function withChildren(element: XmlElement, children: readonly XmlChild[]): XmlElement {
  return { ...element, children, elements: children.filter(isElement) };
}

/** Children but for some elements, each removed together with the indentation before it. */
export function withoutElements(
  children: readonly XmlChild[],
  unwanted: (element: XmlElement) => boolean,
): readonly XmlChild[] {
  const kept: XmlChild[] = [];
  for (const child of children) {
    if (typeof child === 'object' && isElement(child) && unwanted(child)) {
      const before = kept.at(-1);
      if (typeof before === 'string' && before.trim() === '') kept.pop();
    } else {
      kept.push(child);
    }
  }
  return kept;
}

/** A property to set: every other with its term goes, and this one is put at the end of the description. */
export interface PropertyChange {
  readonly term: string;
  /** The element, with every namespace that it uses declared on it. */
  readonly xml: string;
}

/**
 * The document, unsigned, with some properties set. Throws a `Fault` (metadata.invalid) where it cannot be read or has
 * no description.
 */
export function setProperties(bytes: Uint8Array, changes: readonly PropertyChange[]): string {
  const { document, failures } = readStrict(bytes);
  if (!document) throw new Fault('metadata.invalid', failures[0].message, { details: { failures } });
  const { root } = document;
  document[Symbol.dispose]();
  const description = root.elements.find((element) => element.term === 'rdf:Description');
  if (!description) throw new Fault('metadata.invalid', 'The document has no rdf:Description.');
  const replaced = new Set(changes.map((change) => change.term));
  const kept = [...withoutElements(description.children, (element) => replaced.has(element.term))];
  const end = typeof kept.at(-1) === 'string' ? [kept.pop() ?? ''] : [];
  const added = changes.flatMap((change): XmlChild[] => ['\n    ', readPlain(change.xml)]);
  const changed = withChildren(description, [...kept, ...added, ...end]);
  const content = withoutElements(root.children, (element) => element.term === 'ds:Signature');
  const whole = withChildren(
    root,
    content.map((child) => (child === description ? changed : child)),
  );
  return `<?xml version="1.0" encoding="UTF-8"?>\n${writeCanonical(whole, { exclusive: false, comments: true })}\n`;
}
