// The tree of a document in canonical form: elements, text and comments, and nothing else is left by then.
import { xmlNamespace } from './namespaces.ts';

export interface XmlAttribute {
  /** '' where the attribute has no prefix, and so no namespace. */
  readonly prefix: string;
  readonly name: string;
  readonly namespace: string;
  readonly value: string;
}

export interface XmlComment {
  readonly comment: string;
}

/** A child is an element, a comment, or text. */
export type XmlChild = XmlElement | XmlComment | string;

export interface XmlElement {
  readonly prefix: string;
  readonly name: string;
  readonly namespace: string;
  /** The name with its usual prefix, such as `slreq:bytes`; without one in a namespace that is not interpreted. */
  readonly term: string;
  readonly attributes: readonly XmlAttribute[];
  /** Namespace declarations on this element: prefix ('' = default) to URI. */
  readonly declarations: ReadonlyMap<string, string>;
  readonly children: readonly XmlChild[];
  /** The elements among the children. */
  readonly elements: readonly XmlElement[];
  readonly parent: XmlElement | undefined;
  /** Place in document order, the root being 0. */
  readonly ordinal: number;
}

export function isElement(child: XmlChild): child is XmlElement {
  return typeof child === 'object' && 'children' in child;
}

/** The element and all elements inside it, in document order. */
export function elementsOf(element: XmlElement): readonly XmlElement[] {
  const found: XmlElement[] = [];
  const visit = (at: XmlElement): void => {
    found.push(at);
    for (const child of at.elements) visit(child);
  };
  visit(element);
  return found;
}

/** The text directly inside an element, comments left out. */
export function textOf(element: XmlElement): string {
  if (element.children.length === 1 && typeof element.children[0] === 'string') return element.children[0];
  return element.children.filter((child) => typeof child === 'string').join('');
}

export function attributeOf(element: XmlElement, namespace: string, name: string): string | undefined {
  return element.attributes.find((item) => item.name === name && item.namespace === namespace)?.value;
}

/** The namespace that a prefix stands for at an element, or undefined where none was declared. */
export function namespaceOf(element: XmlElement | undefined, prefix: string): string | undefined {
  if (prefix === 'xml') return xmlNamespace;
  for (let at = element; at; at = at.parent) {
    const uri = at.declarations.get(prefix);
    if (uri !== undefined) return uri;
  }
  return prefix === '' ? '' : undefined;
}
