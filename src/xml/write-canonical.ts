// Writes the canonical form of a tree or of one element in it: Canonical XML 1.0 and Exclusive XML Canonicalization 1.0.
import { xmlNamespace } from './namespaces.ts';
import { isElement, type XmlAttribute, type XmlElement } from './tree.ts';

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

/** A declaration that was written, and those written around it: what a reader of the output has in scope. */
interface Written {
  readonly prefix: string;
  readonly uri: string;
  readonly around: Written | undefined;
}

function isWritten(scope: Written | undefined, prefix: string, uri: string): boolean {
  for (let at = scope; at; at = at.around) if (at.prefix === prefix) return at.uri === uri;
  return uri === '' && prefix === '';
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

type Declaration = readonly [prefix: string, uri: string];

/** Declarations that exclusive form wants at an element: of the prefixes that it and its attributes use. */
function usedBy(element: XmlElement, scope: Written | undefined): Declaration[] {
  const fresh: Declaration[] = [];
  const want = (prefix: string, uri: string): void => {
    if (prefix === 'xml' || isWritten(scope, prefix, uri) || fresh.some(([other]) => other === prefix)) return;
    fresh.push([prefix, uri]);
  };
  want(element.prefix, element.namespace);
  for (const item of element.attributes) if (item.prefix !== '') want(item.prefix, item.namespace);
  return fresh;
}

function declarationsOf(from: ReadonlyMap<string, string>, scope: Written | undefined): Declaration[] {
  return [...from].filter(([prefix, uri]) => prefix !== 'xml' && !isWritten(scope, prefix, uri));
}

const nothing: readonly Declaration[] = [];

class CanonicalWriter {
  #out = '';
  readonly #form: CanonicalForm;
  readonly #top: XmlElement;
  readonly #without: XmlElement | undefined;

  constructor(form: CanonicalForm, top: XmlElement, without: XmlElement | undefined) {
    this.#form = form;
    this.#top = top;
    this.#without = without;
  }

  write(): string {
    this.#element(this.#top, undefined);
    return this.#out;
  }

  #declarations(element: XmlElement, scope: Written | undefined): readonly Declaration[] {
    if (this.#form.exclusive) return usedBy(element, scope);
    if (element === this.#top) return declarationsOf(scopeOf(element), scope);
    return element.declarations.size === 0 ? nothing : declarationsOf(element.declarations, scope);
  }

  #element(element: XmlElement, around: Written | undefined): void {
    const tag = element.prefix === '' ? element.name : `${element.prefix}:${element.name}`;
    this.#out += `<${tag}`;
    const fresh = this.#declarations(element, around);
    let scope = around;
    for (const [prefix, uri] of fresh.length > 1 ? fresh.toSorted(([a], [b]) => compare(a, b)) : fresh) {
      this.#out += `${prefix === '' ? ' xmlns="' : ` xmlns:${prefix}="`}${escapeValue(uri)}"`;
      scope = { prefix, uri, around: scope };
    }
    this.#attributes(element);
    this.#out += '>';
    for (const child of element.children) {
      if (typeof child === 'string') this.#out += escapeText(child);
      else if (isElement(child)) {
        if (child !== this.#without) this.#element(child, scope);
      } else if (this.#form.comments) this.#out += `<!--${child.comment}-->`;
    }
    this.#out += `</${tag}>`;
  }

  #attributes(element: XmlElement): void {
    let { attributes } = element;
    if (!this.#form.exclusive && element === this.#top && element.parent) {
      attributes = [...attributes, ...inheritedOf(element)];
    }
    if (attributes.length > 1) {
      attributes = attributes.toSorted(
        (left, right) => compare(left.namespace, right.namespace) || compare(left.name, right.name),
      );
    }
    for (const { prefix, name, value } of attributes) {
      this.#out += ` ${prefix === '' ? name : `${prefix}:${name}`}="${escapeValue(value)}"`;
    }
  }
}

/**
 * The canonical form of an element and all inside it, but for the child `without` of its own. Where the element is not
 * the root, it is written as the top of a document subset: its surroundings' namespaces and xml: attributes with it.
 */
export function writeCanonical(top: XmlElement, form: CanonicalForm, without?: XmlElement): string {
  return new CanonicalWriter(form, top, without).write();
}
