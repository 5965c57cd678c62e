// One pass over the bytes that refuses what no metadata document needs, before a parser spends time on it.
import { isUtf8 } from 'node:buffer';
import { doubleQuote, exclamation, greaterThan, lessThan, question, singleQuote, slash } from './characters.ts';
import { type XmlCode } from './codes.ts';
import { type Failure } from './failure.ts';
import { type XmlLimits } from './limits.ts';

/** The XML declaration (XML 1.0 §2.8), in the one encoding that is accepted. */
const declaration =
  /^<\?xml[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*(?:"1\.0"|'1\.0')(?:[ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*(?:"utf-8"|'utf-8'))?(?:[ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*(?:"(?:yes|no)"|'(?:yes|no)'))?[ \t\r\n]*\?>/i;

/**
 * What the pass has seen. `text` is the document without a byte-order mark, a character for each octet: markup is ASCII,
 * and every octet of other characters is above it.
 */
export interface Prescan {
  readonly text: string;
  readonly failures: readonly Failure[];
}

interface StartTag {
  /** Offset after the tag, or -1 where it does not end. */
  readonly end: number;
  readonly empty: boolean;
  readonly attributes: number;
  readonly declarations: number;
}

/** Walks over one start tag; a `>` inside a quoted value does not end it. */
function scanStartTag(text: string, start: number): StartTag {
  let attributes = 0;
  let declarations = 0;
  let nameStart = start + 1;
  for (let at = start + 1; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === greaterThan) {
      return { end: at + 1, empty: text.charCodeAt(at - 1) === slash, attributes, declarations };
    }
    if (code === lessThan) break;
    if (code <= 0x20) nameStart = at + 1;
    if (code === doubleQuote || code === singleQuote) {
      attributes += 1;
      if (text.startsWith('xmlns', nameStart)) declarations += 1;
      const close = text.indexOf(code === doubleQuote ? '"' : "'", at + 1);
      if (close === -1) break;
      at = close;
    }
  }
  return { end: -1, empty: false, attributes, declarations };
}

/** What stands at a `<`. `forbidden` is a DOCTYPE or another declaration; `broken` is a tag that does not end. */
type Markup = 'start' | 'end' | 'forbidden' | 'instruction' | 'broken';

/**
 * Calls `visit` for the tags of a document in order, until it returns false. Comments and CDATA sections are stepped
 * over; whatever is no tag ends the walk.
 */
function walkMarkup(text: string, from: number, visit: (kind: Markup, at: number, tag?: StartTag) => boolean): void {
  for (let at = text.indexOf('<', from); at !== -1;) {
    let end: number;
    const code = text.charCodeAt(at + 1);
    if (code === exclamation) {
      const comment = text.startsWith('<!--', at);
      if (!comment && !text.startsWith('<![CDATA[', at)) {
        visit('forbidden', at);
        return;
      }
      const close = text.indexOf(comment ? '-->' : ']]>', at + (comment ? 4 : 9));
      end = close === -1 ? -1 : close + 3;
    } else if (code === question) {
      visit('instruction', at);
      return;
    } else if (code === slash) {
      if (!visit('end', at)) return;
      end = text.indexOf('>', at) + 1;
      if (end === 0) end = -1;
    } else {
      const tag = scanStartTag(text, at);
      if (!visit('start', at, tag)) return;
      end = tag.end;
    }
    if (end === -1) {
      visit('broken', at);
      return;
    }
    at = text.indexOf('<', end);
  }
}

function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at !== -1 && at < offset; at = text.indexOf('\n', at + 1)) line += 1;
  return line;
}

/** Lines (from 1) of the elements, in document order, of a document that was well-formed. */
export function linesOfElements(text: string): readonly number[] {
  const lines: number[] = [];
  let line = 1;
  let counted = text.indexOf('\n');
  walkMarkup(text, declaration.exec(text)?.[0].length ?? 0, (kind, at) => {
    if (kind !== 'start') return true;
    for (; counted !== -1 && counted < at; counted = text.indexOf('\n', counted + 1)) line += 1;
    lines.push(line);
    return true;
  });
  return lines;
}

function refused(code: XmlCode, message: string, line = 1): Prescan {
  return { text: '', failures: [{ code, element: 'rdf:RDF', line, message }] };
}

const byteOrderMark = '\u00EF\u00BB\u00BF';

/** The limits of depth and number, over the tags from `from` on. Undefined where they are kept. */
function scanTags(text: string, from: number, limits: XmlLimits): Prescan | undefined {
  let depth = 0;
  let elements = 0;
  let declarations = 0;
  let found: Prescan | undefined;
  walkMarkup(text, from, (kind, at, tag) => {
    const stop = (code: XmlCode, message: string): false => {
      found = refused(code, message, lineAt(text, at));
      return false;
    };
    if (kind === 'forbidden') {
      // What stands in a DOCTYPE is not looked into: where one is allowed, the parser's own limits are what is left.
      if (limits.doctype) return false;
      return stop('doctype', 'A DOCTYPE or another declaration is not accepted; remove it and its entities.');
    }
    if (kind === 'instruction') {
      if (limits.instructions) return false;
      return stop('processing-instruction', 'Processing instructions are not accepted; remove this one.');
    }
    if (kind === 'end') {
      depth -= 1;
      return true;
    }
    if (!tag) return false;
    elements += 1;
    declarations += tag.declarations;
    if (elements > limits.elements) return stop('too-many-elements', `More than ${limits.elements} elements.`);
    if (depth >= limits.depth) return stop('too-deep', `Elements are nested more than ${limits.depth} deep.`);
    if (tag.attributes > limits.attributes) {
      return stop('too-many-attributes', `An element has more than ${limits.attributes} attributes.`);
    }
    if (declarations > limits.declarations) {
      return stop('too-many-namespaces', `More than ${limits.declarations} namespace declarations.`);
    }
    if (!tag.empty) depth += 1;
    return true;
  });
  return found;
}

/**
 * Checks size, encoding, depth, number of elements and attributes, and that there is no DOCTYPE (so no entity of its
 * own) and no processing instruction. Linear in the size of the document, and constant for one that is too large.
 */
export function prescan(bytes: Uint8Array, limits: XmlLimits): Prescan {
  if (bytes.byteLength > limits.bytes) {
    return refused('too-large', `The document has ${bytes.byteLength} bytes; at most ${limits.bytes} are read.`);
  }
  if (!isUtf8(bytes)) return refused('not-utf8', 'The document is not UTF-8; save it in that encoding.');
  const octets = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  const text = octets.startsWith(byteOrderMark) ? octets.slice(byteOrderMark.length) : octets;
  if (text.includes('\0')) return refused('not-utf8', 'The document holds a NUL; save it as plain UTF-8.');

  let start = 0;
  if (text.startsWith('<?xml')) {
    const found = declaration.exec(text);
    if (!found) {
      return refused('bad-declaration', 'The XML declaration must say version 1.0 and, if any, encoding UTF-8.');
    }
    start = found[0].length;
  }
  return scanTags(text, start, limits) ?? { text, failures: [] };
}
