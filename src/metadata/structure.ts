// Rules about shape: which elements stand where and how often, and how RDF nests them (design/metadata.md §2, 2 and 3).
import { isInterpreted, namespaces, xmlNamespace } from '../xml/namespaces.ts';
import { attributeOf, isElement, textOf, type XmlElement } from '../xml/tree.ts';
import { type Finding } from './finding.ts';
import { documentBase, nested, opening, terms } from './vocabulary.ts';

const isSpace = (text: string): boolean => /^[ \t\r\n]*$/.test(text);

/** Counts the children against [name, least, most], and whether they stand in that order. */
function checkSequence(
  parent: XmlElement,
  children: readonly XmlElement[],
  sequence: readonly (readonly [name: string, least: number, most: number])[],
): Finding[] {
  const found: Finding[] = [];
  for (const [name, least, most] of sequence) {
    const same = children.filter((child) => child.term === name);
    if (same.length < least) {
      found.push({ code: 'missing-element', at: parent, message: `${parent.term} has no ${name}; add it.` });
    }
    for (const extra of same.slice(most)) {
      found.push({ code: 'repeated-element', at: extra, message: `${name} stands more than once; keep one.` });
    }
  }
  let reached = 0;
  for (const child of children) {
    const place = sequence.findIndex(([name]) => name === child.term);
    if (place === -1) continue;
    if (place < reached) {
      const order = sequence.map(([name]) => name);
      found.push({
        code: 'misplaced-element',
        at: child,
        message: `${child.term} stands after ${order[reached] ?? ''}; the order is ${order.join(', ')}.`,
      });
    }
    reached = Math.max(reached, place);
  }
  return found;
}

function checkNested(element: XmlElement): Finding[] {
  const sequence = nested.get(element.term);
  if (!sequence) return [];
  const found = checkSequence(element, element.elements, sequence);
  for (const child of element.elements) {
    if (!sequence.some(([name]) => name === child.term)) {
      found.push({
        code: 'unknown-element',
        at: child,
        message: `${child.term} may not stand in ${element.term}; remove it.`,
      });
    }
    found.push(...checkNested(child));
  }
  return found;
}

function checkDescription(description: XmlElement): Finding[] {
  const children = description.elements;
  const found = checkSequence(description, children, opening);
  const counts = new Map<string, number>();
  const lastRequired = children.findLastIndex((child) => required.has(child.term));
  for (const [place, child] of children.entries()) {
    const name = child.term;
    if (required.has(name)) {
      found.push(...checkNested(child));
      continue;
    }
    if (place < lastRequired) {
      found.push({
        code: 'misplaced-element',
        at: child,
        message: `${name} stands among the required elements; move it behind slreq:endorsement.`,
      });
    }
    if (!isInterpreted(child.namespace)) continue;
    const term = terms.get(name);
    if (!term) {
      found.push({ code: 'unknown-element', at: child, message: `${name} is not in the vocabulary; remove it.` });
      continue;
    }
    const count = (counts.get(name) ?? 0) + 1;
    counts.set(name, count);
    if (count > term.most) {
      found.push({ code: 'repeated-element', at: child, message: `${name} stands more than once; keep one.` });
    }
  }
  for (const [name, term] of terms) {
    if (term.least > (counts.get(name) ?? 0)) {
      found.push({ code: 'missing-element', at: description, message: `The description has no ${name}; add it.` });
    }
  }
  return found;
}

const required: ReadonlySet<string> = new Set(opening.map(([name]) => name));

/** The root, its one description, and nothing beside it but signatures. */
export function checkStructure(root: XmlElement): Finding[] {
  if (root.term !== 'rdf:RDF') {
    return [{ code: 'root-element', at: root, message: `The root is ${root.term}; it must be rdf:RDF.` }];
  }
  const found: Finding[] = [];
  if (attributeOf(root, xmlNamespace, 'base') !== documentBase) {
    found.push({ code: 'xml-base', at: root, message: `Set xml:base of rdf:RDF to ${documentBase}.` });
  }
  for (const item of root.attributes) {
    if (item.namespace === xmlNamespace && item.name === 'base') continue;
    found.push({ code: 'unexpected-attribute', at: root, message: `rdf:RDF carries ${item.name}; remove it.` });
  }
  const descriptions = root.elements.filter((child) => child.term === 'rdf:Description');
  if (descriptions.length === 0) {
    found.push({ code: 'missing-element', at: root, message: 'rdf:RDF has no rdf:Description; add one.' });
  }
  for (const extra of descriptions.slice(1)) {
    found.push({ code: 'repeated-element', at: extra, message: 'There is a second rdf:Description; keep one.' });
  }
  for (const extra of root.elements.filter((child) => child.term === 'ds:Signature').slice(1)) {
    found.push({ code: 'repeated-element', at: extra, message: 'There is more than one signature; sign it again.' });
  }
  for (const child of root.elements) {
    if (['rdf:Description', 'ds:Signature'].includes(child.term)) continue;
    found.push({ code: 'unknown-element', at: child, message: `${child.term} may not stand in rdf:RDF.` });
  }
  return [
    ...found,
    ...strayText(root),
    ...descriptions.flatMap((item) => checkDescription(item).concat(strayText(item))),
  ];
}

function strayText(element: XmlElement): Finding[] {
  return isSpace(textOf(element))
    ? []
    : [{ code: 'stray-text', at: element, message: `There is text between the elements of ${element.term}.` }];
}

/** Attributes a property may carry: the language of a literal, and what RDF asks for. */
function attributeProblem(element: XmlElement, hasElements: boolean): string | undefined {
  const foreign = !isInterpreted(element.namespace);
  for (const item of element.attributes) {
    if (item.namespace === xmlNamespace && item.name === 'lang') continue;
    if (item.namespace === namespaces.rdf) {
      if (item.name === 'parseType') continue;
      if (item.name === 'datatype' && foreign) continue;
      const empty = !hasElements && isSpace(textOf(element));
      if (item.name === 'resource' && empty && (foreign || element.term === 'rdf:type')) continue;
    }
    return item.prefix === '' ? item.name : `${item.prefix}:${item.name}`;
  }
  return undefined;
}

/** Adds what is wrong with a property and all inside it. */
function checkProperty(element: XmlElement, found: Finding[]): void {
  const name = element.term;
  const inside = element.elements;
  const wrong = attributeProblem(element, inside.length > 0);
  if (wrong !== undefined) {
    found.push({
      code: 'rdf-attribute',
      at: element,
      message: `${name} carries the attribute ${wrong}; write its value as text or as elements instead.`,
    });
  }
  const parseType = attributeOf(element, namespaces.rdf, 'parseType');
  const mustNest = nested.has(name);
  if (parseType === undefined ? inside.length > 0 || mustNest : parseType !== 'Resource') {
    found.push({
      code: 'rdf-parse-type',
      at: element,
      message: `${name} holds elements, so it must carry rdf:parseType="Resource".`,
    });
  } else if (isInterpreted(element.namespace) && !mustNest && (parseType !== undefined || inside.length > 0)) {
    found.push({ code: 'rdf-parse-type', at: element, message: `${name} is plain text; it may not hold elements.` });
  }
  if ((inside.length > 0 || parseType === 'Resource') && !isSpace(textOf(element))) {
    found.push({ code: 'rdf-mixed-content', at: element, message: `${name} holds text and elements; keep one.` });
  }
  for (const child of inside) checkProperty(child, found);
}

/** How RDF/XML is used: plain literals and parseType="Resource", nothing else. */
export function checkRdf(root: XmlElement): Finding[] {
  const found: Finding[] = [];
  for (const description of root.elements.filter((child) => child.term === 'rdf:Description')) {
    for (const item of description.attributes) {
      if (item.namespace === namespaces.rdf && item.name === 'about') continue;
      found.push({
        code: 'rdf-attribute',
        at: description,
        message: `rdf:Description carries ${item.name}; write properties as elements.`,
      });
    }
    for (const property of description.elements) checkProperty(property, found);
  }
  return found;
}

/** Comments that stand inside a value. They are not signed, so they must not be able to change how one reads. */
export function checkComments(root: XmlElement): Finding[] {
  const found: Finding[] = [];
  const check = (element: XmlElement): void => {
    const inside = element.elements;
    const hasComments =
      element.children.length > inside.length &&
      element.children.some((child) => typeof child === 'object' && !isElement(child));
    if (hasComments && (inside.length === 0 || !isSpace(textOf(element)))) {
      found.push({
        code: 'comment-in-value',
        at: element,
        message: `A comment splits ${element.term}; remove it.`,
      });
    }
    for (const child of inside) check(child);
  };
  check(root);
  return found;
}
