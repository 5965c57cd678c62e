// Writes the canonical form of a tree or of one element in it: Canonical XML 1.0 and Exclusive XML Canonicalization 1.0.
import { xmlNamespace } from './namespaces.ts';
import { isElement, namespaceOf, type XmlAttribute, type XmlElement } from './tree.ts';

export interface CanonicalForm {
  /** Exclusive (only the namespaces that are used) instead of inclusive (all that are in scope). */
  readonly exclusive: boolean;
  readonly comments: boolean;
}

const textEscapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '\r': '&#xD;' };
const valueEscapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '"': '&quot;',
  '\t': '&#x9;',
  '\n': '&#xA;',
  '\r': '&#xD;',
};

/** Text as canonical form writes it (Canonical XML 1.0 §2.3). */
export function escapeText(text: string): string {
  return /[&<>\r]/.test(text) ? text.replaceAll(/[&<>\r]/g, (found) => textEscapes[found] ?? found) : text;
}

/** An attribute's value as canonical form writes it, quotes left out. */
export function escapeValue(value: string): string {
  return /[&<"\t\n\r]/.test(value) ? value.replaceAll(/[&<"\t\n\r]/g, (found) => valueEscapes[found] ?? found) : value;
}

function compare(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

/** Prefixes in scope at an element, '' only where a default namespace is declared. */
function scopeOf(element: XmlElement): Map<string, string> {
  const scope = new Map<string, string>();
  for (let at: XmlElement | undefined = element; at; at = at.parent) {
    for (const [prefix, uri] of at.declarations) if (!scope.has(prefix)) scope.set(prefix, uri);
  }
  return scope;
}

/** Attributes of the xml namespace that the parents of a subset's top hand down (Canonical XML 1.0 §2.4). */
function inheritedOf(element: XmlElement): XmlAttribute[] {
  const found = new Map<string, XmlAttribute>();
  for (let at = element.parent; at; at = at.parent) {
    for (const item of at.attributes) {
      if (item.namespace === xmlNamespace && !found.has(item.name)) found.set(item.name, item);
    }
  }
  for (const own of element.attributes) if (own.namespace === xmlNamespace) found.delete(own.name);
  return [...found.values()];
}

function neededPrefixes(element: XmlElement): Set<string> {
  const prefixes = new Set([element.prefix]);
  for (const item of element.attributes) if (item.prefix !== '') prefixes.add(item.prefix);
  prefixes.delete('xml');
  return prefixes;
}

/**
 * The canonical form of an element and all inside it, but for the child `without` of its own. Where the element is not
 * the root, it is written as the top of a document subset: its surroundings' namespaces and xml: attributes with it.
 */
export function writeCanonical(top: XmlElement, form: CanonicalForm, without?: XmlElement): string {
  const out: string[] = [];

  const write = (element: XmlElement, rendered: ReadonlyMap<string, string>): void => {
    const tag = element.prefix === '' ? element.name : `${element.prefix}:${element.name}`;
    const wanted = new Map<string, string>();
    if (form.exclusive) {
      for (const prefix of neededPrefixes(element)) wanted.set(prefix, namespaceOf(element, prefix) ?? '');
    } else {
      for (const [prefix, uri] of element === top ? scopeOf(element) : element.declarations) wanted.set(prefix, uri);
    }
    const fresh = [...wanted].filter(([prefix, uri]) => (rendered.get(prefix) ?? '') !== uri && prefix !== 'xml');
    fresh.sort(([left], [right]) => compare(left, right));
    let inside = rendered;
    out.push('<', tag);
    if (fresh.length > 0) {
      inside = new Map([...rendered, ...fresh]);
      for (const [prefix, uri] of fresh)
        out.push(prefix === '' ? ' xmlns="' : ` xmlns:${prefix}="`, escapeValue(uri), '"');
    }
    let attributes: readonly XmlAttribute[] = element.attributes;
    if (!form.exclusive && element === top && element.parent) attributes = [...attributes, ...inheritedOf(element)];
    if (attributes.length > 1) {
      attributes = [...attributes].sort(
        (left, right) => compare(left.namespace, right.namespace) || compare(left.name, right.name),
      );
    }
    for (const item of attributes) {
      out.push(' ', item.prefix === '' ? item.name : `${item.prefix}:${item.name}`, '="', escapeValue(item.value), '"');
    }
    out.push('>');
    for (const child of element.children) {
      if (typeof child === 'string') out.push(escapeText(child));
      else if (isElement(child)) {
        if (child !== without) write(child, inside);
      } else if (form.comments) out.push('<!--', child.comment, '-->');
    }
    out.push('</', tag, '>');
  };

  write(top, new Map());
  return out.join('');
}
