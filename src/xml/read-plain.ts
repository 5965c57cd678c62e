// Reads plain XML into a tree: the small language in which libxml2 writes a document, canonical or not. All else is an error.
import {
  colon,
  doubleQuote,
  equals,
  exclamation,
  greaterThan,
  lessThan,
  lineFeed,
  slash,
  space,
  tab,
} from './characters.ts';
import { termOf } from './namespaces.ts';
import { namespaceOf, type XmlAttribute, type XmlChild, type XmlElement } from './tree.ts';

/** The text is not plain. Where libxml2 wrote it, that means that the two do not agree on the document. */
export class NotPlainError extends Error {
  override readonly name = 'NotPlainError';
}

const reference = /&(?:(amp|lt|gt|quot)|#(9|10|13|x9|xA|xD));|[&\r]/g;
const named: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"' };
const coded: Readonly<Record<string, string>> = {
  '9': '\t',
  '10': '\n',
  '13': '\r',
  'x9': '\t',
  'xA': '\n',
  'xD': '\r',
};

function unescape(text: string): string {
  if (!text.includes('&') && !text.includes('\r')) return text;
  return text.replace(reference, (_whole, name?: string, code?: string) => {
    const plain = named[name ?? ''] ?? coded[code ?? ''];
    if (plain === undefined) throw new NotPlainError('a reference that plain XML does not use');
    return plain;
  });
}

/** What ends a name, by character code; everything above ASCII may stand in one. */
const endsName = new Uint8Array(128);
endsName.fill(1, 0, 0x21);
for (const character of '<>&"\'/=:!?') endsName[character.charCodeAt(0)] = 1;

/** A URI with a scheme; documents with other namespaces have no canonical form (Canonical XML 1.0 §1.3). */
const absolute = /^[A-Za-z][A-Za-z0-9+.-]*:/;

const noDeclarations: ReadonlyMap<string, string> = new Map();
const noAttributes: readonly XmlAttribute[] = [];

interface OpenElement {
  readonly prefix: string;
  readonly name: string;
  readonly children: XmlChild[];
  readonly elements: XmlElement[];
  readonly element: XmlElement;
}

interface PlainAttribute {
  readonly prefix: string;
  readonly name: string;
  readonly value: string;
}

class PlainReader {
  readonly #text: string;
  #at = 0;
  #ordinal = 0;
  readonly #open: OpenElement[] = [];
  #root: XmlElement | undefined;
  /** The name that was read last, taken apart. */
  #prefix = '';
  #name = '';

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
      if (code === exclamation) this.#readComment();
      else if (code === slash) this.#readEnd();
      else this.#readStart();
    }
    if (!this.#root || this.#open.length > 0) throw new NotPlainError('the document does not end');
    return this.#root;
  }

  #readText(escaped: string): void {
    const inside = this.#open.at(-1);
    if (inside) inside.children.push(unescape(escaped));
    else if (escaped.trim() !== '') throw new NotPlainError('text outside the root element');
  }

  #readComment(): void {
    const close = this.#text.startsWith('<!--', this.#at) ? this.#text.indexOf('-->', this.#at + 4) : -1;
    if (close === -1) throw new NotPlainError('a comment does not end');
    this.#open.at(-1)?.children.push({ comment: this.#text.slice(this.#at + 4, close) });
    this.#at = close + 3;
  }

  #readEnd(): void {
    const last = this.#open.pop();
    this.#at += 2;
    this.#readName();
    if (!last || last.name !== this.#name || last.prefix !== this.#prefix) {
      throw new NotPlainError(`a wrong end tag at offset ${this.#at}`);
    }
    this.#expect(greaterThan);
  }

  #expect(code: number): void {
    if (this.#text.charCodeAt(this.#at) !== code) throw new NotPlainError(`a tag is malformed at offset ${this.#at}`);
    this.#at += 1;
  }

  /** One part of a name: what stands up to the next character that cannot be in it. */
  #readPart(): string {
    const text = this.#text;
    const start = this.#at;
    let at = start;
    for (; at < text.length; at += 1) {
      const code = text.charCodeAt(at);
      if (code < 128 && endsName[code] === 1) break;
    }
    if (at === start) throw new NotPlainError(`a name is missing at offset ${at}`);
    this.#at = at;
    return text.slice(start, at);
  }

  #readName(): void {
    const first = this.#readPart();
    if (this.#text.charCodeAt(this.#at) === colon) {
      this.#at += 1;
      this.#prefix = first;
      this.#name = this.#readPart();
    } else {
      this.#prefix = '';
      this.#name = first;
    }
  }

  #readStart(): void {
    this.#at += 1;
    this.#readName();
    const prefix = this.#prefix;
    const name = this.#name;
    let declarations: Map<string, string> | undefined;
    let plain: PlainAttribute[] | undefined;
    while (this.#text.charCodeAt(this.#at) === space) {
      this.#at += 1;
      this.#readName();
      const value = this.#readValue();
      const isDefault = this.#prefix === '' && this.#name === 'xmlns';
      if (this.#prefix === 'xmlns' || isDefault) {
        if (value !== '' && !absolute.test(value)) throw new NotPlainError(`the namespace ${value} is no absolute URI`);
        declarations ??= new Map<string, string>();
        declarations.set(isDefault ? '' : this.#name, value);
      } else {
        (plain ??= []).push({ prefix: this.#prefix, name: this.#name, value });
      }
    }
    const empty = this.#text.charCodeAt(this.#at) === slash;
    if (empty) this.#at += 1;
    this.#expect(greaterThan);
    this.#add(prefix, name, declarations ?? noDeclarations, plain, empty);
  }

  #readValue(): string {
    const text = this.#text;
    this.#expect(equals);
    this.#expect(doubleQuote);
    const start = this.#at;
    const end = text.indexOf('"', start);
    if (end === -1) throw new NotPlainError('a value does not end');
    for (let at = start; at < end; at += 1) {
      const code = text.charCodeAt(at);
      if (code === lessThan || code === tab || code === lineFeed) {
        throw new NotPlainError(`a value is not escaped at offset ${at}`);
      }
    }
    this.#at = end + 1;
    return unescape(text.slice(start, end));
  }

  #add(
    prefix: string,
    name: string,
    declarations: ReadonlyMap<string, string>,
    plain: readonly PlainAttribute[] | undefined,
    empty: boolean,
  ): void {
    const above = this.#open.at(-1);
    const parent = above?.element;
    const namespace = resolve(prefix, declarations, parent);
    const children: XmlChild[] = [];
    const elements: XmlElement[] = [];
    const element: XmlElement = {
      prefix,
      name,
      namespace,
      term: termOf(namespace, name),
      attributes: plain === undefined ? noAttributes : plain.map((item) => withNamespace(item, declarations, parent)),
      declarations,
      children,
      elements,
      parent,
      ordinal: this.#ordinal,
    };
    this.#ordinal += 1;
    if (above) {
      above.children.push(element);
      above.elements.push(element);
    } else if (this.#root) {
      throw new NotPlainError('a second root element');
    } else {
      this.#root = element;
    }
    if (!empty) this.#open.push({ prefix, name, children, elements, element });
  }
}

function withNamespace(
  { prefix, name, value }: PlainAttribute,
  declarations: ReadonlyMap<string, string>,
  parent: XmlElement | undefined,
): XmlAttribute {
  return { prefix, name, value, namespace: prefix === '' ? '' : resolve(prefix, declarations, parent) };
}

function resolve(prefix: string, declarations: ReadonlyMap<string, string>, above: XmlElement | undefined): string {
  const uri = declarations.get(prefix) ?? namespaceOf(above, prefix);
  if (uri === undefined) throw new NotPlainError(`the prefix ${prefix} is not declared`);
  return uri;
}

/** Reads one document, written plainly: no declaration, no DOCTYPE, no CDATA section. Throws a {@link NotPlainError}. */
export function readPlain(text: string): XmlElement {
  return new PlainReader(text).read();
}
