// Reads canonical XML (Canonical XML 1.0 §2.3) into a tree: a far smaller language than XML, and anything else is an error.
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

interface Open {
  readonly tag: string;
  readonly children: XmlChild[];
  readonly element: XmlElement;
}

/** Reads one document in canonical form, with or without comments. */
export function readCanonical(text: string): XmlElement {
  let at = 0;
  let ordinal = 0;
  const open: Open[] = [];
  let root: XmlElement | undefined;

  const readStart = (): void => {
    startTag.lastIndex = at;
    const found = startTag.exec(text);
    if (!found) throw new NotCanonicalError(`no tag at offset ${at}`);
    at = startTag.lastIndex;
    const parent = open.at(-1);
    const declarations = new Map<string, string>();
    const raw: { prefix: string; name: string; value: string }[] = [];
    for (;;) {
      attribute.lastIndex = at;
      const pair = attribute.exec(text);
      if (!pair) break;
      at = attribute.lastIndex;
      const [first = '', second, value = ''] = pair.slice(1);
      const plain = unescape(value);
      if (second === undefined && first === 'xmlns') declarations.set('', plain);
      else if (second !== undefined && first === 'xmlns') declarations.set(second, plain);
      else raw.push({ prefix: second === undefined ? '' : first, name: second ?? first, value: plain });
    }
    if (text[at] !== '>') throw new NotCanonicalError(`a tag does not end at offset ${at}`);
    at += 1;
    const [first = '', second] = found.slice(1);
    const prefix = second === undefined ? '' : first;
    const children: XmlChild[] = [];
    const attributes: XmlAttribute[] = [];
    const scope = { declarations, parent: parent?.element };
    const lookUp = (wanted: string): string => {
      const uri = declarations.get(wanted) ?? namespaceOf(scope.parent, wanted);
      if (uri === undefined) throw new NotCanonicalError(`the prefix ${wanted} is not declared`);
      return uri;
    };
    for (const item of raw) attributes.push({ ...item, namespace: item.prefix === '' ? '' : lookUp(item.prefix) });
    const element: XmlElement = {
      prefix,
      name: second ?? first,
      namespace: lookUp(prefix),
      attributes,
      declarations,
      children,
      parent: scope.parent,
      ordinal,
    };
    ordinal += 1;
    if (parent) parent.children.push(element);
    else if (root) throw new NotCanonicalError('a second root element');
    else root = element;
    open.push({ tag: second === undefined ? first : `${first}:${second}`, children, element });
  };

  while (at < text.length) {
    const next = text.indexOf('<', at);
    const end = next === -1 ? text.length : next;
    if (end > at) {
      const between = unescape(text.slice(at, end));
      const inside = open.at(-1);
      if (inside) inside.children.push(between);
      else if (between.trim() !== '') throw new NotCanonicalError('text outside the root element');
      at = end;
    }
    if (next === -1) break;
    if (text.startsWith('<!--', at)) {
      const close = text.indexOf('-->', at + 4);
      if (close === -1) throw new NotCanonicalError('a comment does not end');
      open.at(-1)?.children.push({ comment: text.slice(at + 4, close) });
      at = close + 3;
    } else if (text[at + 1] === '/') {
      const last = open.pop();
      const closing = `</${last?.tag ?? ''}>`;
      if (!last || !text.startsWith(closing, at)) throw new NotCanonicalError(`a wrong end tag at offset ${at}`);
      at += closing.length;
    } else {
      readStart();
    }
  }
  if (!root || open.length > 0) throw new NotCanonicalError('the document does not end');
  return root;
}
