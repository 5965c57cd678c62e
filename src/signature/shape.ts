// The shape of a signature: where it stands, what its elements hold and carry; the first half of the structure gate.
import { namespaces } from '../xml/namespaces.ts';
import { isElement, type XmlElement } from '../xml/tree.ts';
import { type SignatureCode } from './codes.ts';

export interface GateFinding {
  readonly code: SignatureCode;
  readonly at: XmlElement;
  readonly message: string;
}

interface Shape {
  /** The child elements, in order. */
  readonly children: readonly string[];
  /** Where there is one kind of child: it may repeat. */
  readonly repeats?: true;
  /** Whether it holds text. */
  readonly valued?: true;
  /** The attributes that it may carry; none in a namespace. */
  readonly attributes?: readonly string[];
  /** The code under which wrong children are reported. */
  readonly code?: SignatureCode;
}

const algorithm: readonly string[] = ['Algorithm'];
const shapes: ReadonlyMap<string, Shape> = new Map<string, Shape>([
  ['ds:Signature', { children: ['ds:SignedInfo', 'ds:SignatureValue', 'ds:KeyInfo'], attributes: ['Id'] }],
  [
    'ds:SignedInfo',
    { children: ['ds:CanonicalizationMethod', 'ds:SignatureMethod', 'ds:Reference'], code: 'signed-info' },
  ],
  ['ds:CanonicalizationMethod', { children: [], attributes: algorithm }],
  ['ds:SignatureMethod', { children: [], attributes: algorithm }],
  [
    'ds:Reference',
    { children: ['ds:Transforms', 'ds:DigestMethod', 'ds:DigestValue'], attributes: ['URI'], code: 'reference' },
  ],
  ['ds:Transforms', { children: ['ds:Transform'], repeats: true, code: 'transforms' }],
  ['ds:Transform', { children: [], attributes: algorithm, code: 'transforms' }],
  ['ds:DigestMethod', { children: [], attributes: algorithm }],
  ['ds:DigestValue', { children: [], valued: true }],
  ['ds:SignatureValue', { children: [], valued: true }],
  ['ds:KeyInfo', { children: ['ds:X509Data'], code: 'key-info' }],
  ['ds:X509Data', { children: ['ds:X509Certificate'], repeats: true, code: 'key-info' }],
  ['ds:X509Certificate', { children: [], valued: true }],
]);

function fits(children: readonly XmlElement[], { children: wanted, repeats }: Shape): boolean {
  if (repeats === true) return children.length > 0 && children.every((child) => child.term === wanted[0]);
  return children.length === wanted.length && children.every((child, place) => child.term === wanted[place]);
}

/** Adds what is wrong inside a signature's element and all below it. */
function checkElement(element: XmlElement, found: GateFinding[]): void {
  const name = element.term;
  const shape = shapes.get(name);
  if (!shape) return;
  const children = element.elements;
  if (!fits(children, shape)) {
    const wanted = shape.children.length === 0 ? 'no elements' : `exactly ${shape.children.join(', ')}`;
    const references = children.filter((child) => child.term === 'ds:Reference').length;
    found.push({
      code: name === 'ds:SignedInfo' && references !== 1 ? 'reference-count' : (shape.code ?? 'signature-content'),
      at: element,
      message: `${name} must hold ${wanted}; sign the document again.`,
    });
  }
  const stray = element.children.some((child) =>
    typeof child === 'string' ? shape.valued !== true && child.trim() !== '' : !isElement(child),
  );
  if (stray) {
    found.push({ code: 'signature-text', at: element, message: `${name} holds a comment or stray text; sign again.` });
  }
  const allowed = shape.attributes ?? [];
  if (element.attributes.some((item) => item.prefix !== '' || !allowed.includes(item.name))) {
    found.push({ code: 'signature-attribute', at: element, message: `${name} carries an unexpected attribute.` });
  }
  for (const child of children) checkElement(child, found);
}

/** Everything that is wrong with the elements of a signature. */
export function checkShape(signature: XmlElement): GateFinding[] {
  const found: GateFinding[] = [];
  checkElement(signature, found);
  return found;
}

interface Place {
  readonly signatures: XmlElement[];
  /** Elements of the signature's namespace that stand in no signature. */
  readonly strays: XmlElement[];
}

function look(element: XmlElement, inSignature: boolean, seen: Place): void {
  const isSignature = element.term === 'ds:Signature';
  if (isSignature) seen.signatures.push(element);
  else if (!inSignature && element.namespace === namespaces.ds) seen.strays.push(element);
  for (const child of element.elements) look(child, inSignature || isSignature, seen);
}

export interface PlaceCheck {
  /** The last signature in the document, wherever it stands. */
  readonly signature: XmlElement | undefined;
  readonly findings: readonly GateFinding[];
}

/** Where signatures stand: exactly one, as the last child of the root, and nothing like it anywhere else. */
export function checkPlace(root: XmlElement): PlaceCheck {
  const seen: Place = { signatures: [], strays: [] };
  look(root, false, seen);
  const [first, ...more] = seen.signatures;
  if (!first) {
    const message = 'The document has no signature; sign it first.';
    return { signature: undefined, findings: [{ code: 'signature-missing', at: root, message }] };
  }
  const signature = more.at(-1) ?? first;
  const findings = more.map((extra): GateFinding => ({
    code: 'signature-repeated',
    at: extra,
    message: 'There is more than one signature; sign it again.',
  }));
  const place = root.children.findLastIndex(isChildElement);
  if (seen.signatures.some((element) => element.parent !== root) || root.children[place] !== signature) {
    findings.push({
      code: 'signature-misplaced',
      at: first,
      message: 'The signature must be the last child of the root element; sign the document again.',
    });
  } else if (root.children.slice(place + 1).some((child) => typeof child === 'string' && child.trim() !== '')) {
    findings.push({
      code: 'signature-misplaced',
      at: first,
      message: 'There is text after the signature; sign again.',
    });
  }
  for (const element of seen.strays) {
    findings.push({
      code: 'signature-misplaced',
      at: element,
      message: `${element.term} stands outside the signature.`,
    });
  }
  return { signature, findings };
}

const isChildElement = (child: XmlElement['children'][number]): boolean =>
  typeof child === 'object' && isElement(child);
