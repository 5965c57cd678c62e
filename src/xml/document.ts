// Strict reading of one document: the limits first, then libxml2 once; what is handed on is what libxml2 writes of it, as a tree.
import {
  ParseOption,
  XmlC14NMode,
  XmlDocument,
  XmlElement as LibXmlElement,
  XmlError,
  XmlLibError,
} from 'libxml2-wasm';
import { type XmlCode } from './codes.ts';
import { type Failure } from './failure.ts';
import { documentLimits, type XmlLimits } from './limits.ts';
import { linesOfElements, prescan } from './prescan.ts';
import { readPlain } from './read-plain.ts';
import { type XmlElement } from './tree.ts';
import { type CanonicalForm } from './write-canonical.ts';

/** Nothing outside the document is ever loaded; CDATA sections are text like any other. */
const strict = ParseOption.XML_PARSE_NO_XXE | ParseOption.XML_PARSE_NOCDATA;

/** One document, read. It holds memory of libxml2 until it is disposed of; no call may follow. */
export interface StrictDocument extends Disposable {
  /** The root element. */
  readonly root: XmlElement;
  /** Line (from 1) of an element in the document as it came. */
  readonly lineOf: (element: XmlElement) => number;
  /**
   * libxml2's own canonical form of the document, without the last element inside the root where that is asked for.
   * Undefined where the document has none (a namespace that is no absolute URI; Canonical XML 1.0 §1.3).
   */
  canonical(form: CanonicalForm, without: 'nothing' | 'last-element'): Buffer | undefined;
}

export type ReadResult =
  | { readonly document: StrictDocument; readonly failures: readonly [] }
  | { readonly document: undefined; readonly failures: readonly [Failure, ...Failure[]] };

function notWellFormed(error: unknown): Failure & { readonly code: XmlCode } {
  const detail = error instanceof XmlLibError ? error.details[0] : undefined;
  const why = (detail?.message ?? (error as Error).message).trim();
  return {
    code: 'not-well-formed',
    element: 'rdf:RDF',
    line: Math.max(1, detail?.line ?? 1),
    message: `The document is not well-formed XML: ${why}.`,
  };
}

/** Parses with libxml2 alone, limits and all else unchecked: for schemas and text that was written here. */
export function parseTrusted(text: string, url?: string): XmlDocument {
  return XmlDocument.fromString(text, { option: strict, ...(url === undefined ? {} : { url }) });
}

/** Reads a document of unknown origin. Never throws for what is in it: the failures say what is wrong. */
export function readStrict(bytes: Uint8Array, limits: XmlLimits = documentLimits): ReadResult {
  const scan = prescan(bytes, limits);
  const [first, ...others] = scan.failures;
  if (first) return { document: undefined, failures: [first, ...others] };
  let parsed: XmlDocument;
  try {
    parsed = XmlDocument.fromBuffer(bytes, { option: strict, encoding: 'utf-8' });
  } catch (error) {
    return { document: undefined, failures: [notWellFormed(error)] };
  }
  try {
    const root = readPlain(parsed.toString({ format: false, noDeclaration: true, encoding: 'utf-8' }));
    return { document: new ParsedDocument(parsed, root, scan.text), failures: [] };
  } catch (error) {
    parsed.dispose();
    return { document: undefined, failures: [notWellFormed(error)] };
  }
}

/** The octets as libxml2 writes them: they are digested without being decoded in between. */
function canonicalOctets(parsed: XmlDocument, form: CanonicalForm): Buffer | undefined {
  const pieces: Buffer[] = [];
  const write = (piece: Uint8Array): number => pieces.push(Buffer.from(piece)) && piece.byteLength;
  try {
    parsed.canonicalize(
      { write, close: () => true },
      {
        mode: form.exclusive ? XmlC14NMode.XML_C14N_EXCLUSIVE_1_0 : XmlC14NMode.XML_C14N_1_0,
        withComments: form.comments,
      },
    );
  } catch (error) {
    if (error instanceof XmlError) return undefined;
    throw error;
  }
  const [only] = pieces;
  return pieces.length === 1 && only ? only : Buffer.concat(pieces);
}

class ParsedDocument implements StrictDocument {
  readonly root: XmlElement;
  readonly lineOf: StrictDocument['lineOf'];
  readonly parsed: XmlDocument;
  #cut = false;

  constructor(parsed: XmlDocument, root: XmlElement, text: string) {
    this.parsed = parsed;
    this.root = root;
    let lines: readonly number[] | undefined;
    this.lineOf = (element) => (lines ??= linesOfElements(text))[element.ordinal] ?? 1;
  }

  canonical(form: CanonicalForm, without: 'nothing' | 'last-element'): Buffer | undefined {
    if (without === 'last-element' && !this.#cut) {
      let last = this.parsed.root.lastChild;
      while (last && !(last instanceof LibXmlElement)) last = last.prev;
      last?.remove();
      this.#cut = true;
    } else if (this.#cut && without === 'nothing') {
      throw new Error('the last element was taken out already');
    }
    return canonicalOctets(this.parsed, form);
  }

  [Symbol.dispose](): void {
    this.parsed.dispose();
  }
}

/** The parsed document behind a strict one, for the other modules of this room. */
export function libxmlOf(document: StrictDocument): XmlDocument {
  if (!(document instanceof ParsedDocument)) throw new Error('this document was not read by readStrict');
  return document.parsed;
}
