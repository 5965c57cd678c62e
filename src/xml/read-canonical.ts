// Reads canonical XML (Canonical XML 1.0 §2.3) into a tree: a far smaller language than XML, and anything else is an error.
import { termOf } from './namespaces.ts';
import { namespaceOf, type XmlAttribute, type XmlChild, type XmlElement } from './tree.ts';

/** The text is not in canonical form. Where libxml2 wrote it, that means that the two do not agree on the document. */
export class NotCanonicalError extends Error {
  override readonly name = 'NotCanonicalError';
}

const startTag = /<([^\s<>&"'/=:!?]+)(?::([^\s<>&"'/=:!?]+))?/y;
const attribute = / ([^\s<>&"'/=:]+)(?::([^\s<>&"'/=:]+))?="([^"<]*)"/y;
const reference = /&(?:(amp|lt|gt|quot)|#x([9AD]));|[&\r]/g;
const named: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"' };
const coded: Readonly<Record<string, string>> = { '9': '\t', 'A': '\n', 'D': '\r' };

function unescape(text: string): string {
  if (!text.includes('&') && !text.includes('\r')) return text;
  return text.replace(reference, (_whole, name?: string, code?: string) => {
    const plain = named[name ?? ''] ?? coded[code ?? ''];
    if (plain === undefined) throw new NotCanonicalError('a reference that canonical form does not use');
    return plain;
  });
}

const noDeclarations: ReadonlyMap<string, string> = new Map();
const noAttributes: readonly XmlAttribute[] = [];

interface Open {
  readonly tag: string;
  readonly children: XmlChild[];
  readonly elements: XmlElement[];
  readonly element: XmlElement;
}

interface RawAttribute {
  readonly prefix: string;
  readonly name: string;
  readonly value: string;
}

class CanonicalReader {
  readonly #text: string;
  #at = 0;
  #ordinal = 0;
  readonly #open: Open[] = [];
  #root: XmlElement | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  read(): XmlElement {
    const text = this.#text;
    while (this.#at < text.length) {
      const next = text.indexOf('<', this.#at);
      const end = next === -1 ? text.length : next;
      if (end > this.#at) this.#readText(text.slice(this.#at, end));
      this.#at = end;
      if (next === -1) break;
      const code = text.charCodeAt(next + 1);
      if (code === 0x21) this.#readComment();
      else if (code === 0x2f) this.#readEnd();
      else this.#readStart();
    }
    if (!this.#root || this.#open.length > 0) throw new NotCanonicalError('the document does not end');
    return this.#root;
  }

  #readText(escaped: string): void {
    const inside = this.#open.at(-1);
    if (inside) inside.children.push(unescape(escaped));
    else if (escaped.trim() !== '') throw new NotCanonicalError('text outside the root element');
  }

  #readComment(): void {
    const close = this.#text.startsWith('<!--', this.#at) ? this.#text.indexOf('-->', this.#at + 4) : -1;
    if (close === -1) throw new NotCanonicalError('a comment does not end');
    this.#open.at(-1)?.children.push({ comment: this.#text.slice(this.#at + 4, close) });
    this.#at = close + 3;
  }

  #readEnd(): void {
    const last = this.#open.pop();
    const { length } = last?.tag ?? '';
    const name = this.#at + 2;
    if (!last || !this.#text.startsWith(last.tag, name) || this.#text[name + length] !== '>') {
      throw new NotCanonicalError(`a wrong end tag at offset ${this.#at}`);
    }
    this.#at = name + length + 1;
  }

  #readStart(): void {
    startTag.lastIndex = this.#at;
    const found = startTag.exec(this.#text);
    if (!found) throw new NotCanonicalError(`no tag at offset ${this.#at}`);
    this.#at = startTag.lastIndex;
    const { declarations, attributes: raw } = this.#readAttributes();
    if (this.#text[this.#at] !== '>') throw new NotCanonicalError(`a tag does not end at offset ${this.#at}`);
    this.#at += 1;
    const [, first = '', second] = found;
    const prefix = second === undefined ? '' : first;
    const name = second ?? first;
    const above = this.#open.at(-1);
    const namespace = resolve(prefix, declarations, above?.element);
    const children: XmlChild[] = [];
    const elements: XmlElement[] = [];
    const element: XmlElement = {
      prefix,
      name,
      namespace,
      term: termOf(namespace, name),
      attributes:
        raw === undefined
          ? noAttributes
          : raw.map(({ prefix: own, name: local, value }) => ({
              prefix: own,
              name: local,
              value,
              namespace: own === '' ? '' : resolve(own, declarations, above?.element),
            })),
      declarations,
      children,
      elements,
      parent: above?.element,
      ordinal: this.#ordinal,
    };
    this.#ordinal += 1;
    if (above) {
      above.children.push(element);
      above.elements.push(element);
    } else if (this.#root) {
      throw new NotCanonicalError('a second root element');
    } else {
      this.#root = element;
    }
    this.#open.push({ tag: second === undefined ? first : `${first}:${second}`, children, elements, element });
  }

  #readAttributes(): { declarations: ReadonlyMap<string, string>; attributes: RawAttribute[] | undefined } {
    let declarations: Map<string, string> | undefined;
    let attributes: RawAttribute[] | undefined;
    while (this.#text.charCodeAt(this.#at) === 0x20) {
      attribute.lastIndex = this.#at;
      const pair = attribute.exec(this.#text);
      if (!pair) break;
      this.#at = attribute.lastIndex;
      const [, first = '', second, value = ''] = pair;
      if (first === 'xmlns') (declarations ??= new Map()).set(second ?? '', unescape(value));
      else {
        (attributes ??= []).push({
          prefix: second === undefined ? '' : first,
          name: second ?? first,
          value: unescape(value),
        });
      }
    }
    return { declarations: declarations ?? noDeclarations, attributes };
  }
}

function resolve(prefix: string, declarations: ReadonlyMap<string, string>, above: XmlElement | undefined): string {
  const uri = declarations.get(prefix) ?? namespaceOf(above, prefix);
  if (uri === undefined) throw new NotCanonicalError(`the prefix ${prefix} is not declared`);
  return uri;
}

/** Reads one document in canonical form, with or without comments. Throws a {@link NotCanonicalError}. */
export function readCanonical(text: string): XmlElement {
  return new CanonicalReader(text).read();
}
