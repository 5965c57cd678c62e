// Rules about values, and about values that must fit each other (design/metadata.md §2, 2 and 4).
import { namespaces } from '../xml/namespaces.ts';
import { attributeOf, textOf, type XmlElement } from '../xml/tree.ts';
import { type Finding } from './finding.ts';
import { encodeIdentifier, isIdentifier } from './identifier.ts';
import { checkWithdrawal } from './withdrawal.ts';
import { isEmail, parseCount, valueProblem } from './values.ts';
import { checksumDigits, isChecksumAlgorithm, terms } from './vocabulary.ts';

/** The time by which `created` is judged. */
export interface ReadClock {
  readonly now: Date;
  /** How far the endorser's clock may be ahead, in seconds. */
  readonly skewSeconds: number;
}

/** The first child with this name. */
export function childNamed(element: XmlElement | undefined, name: string): XmlElement | undefined {
  return element === undefined ? undefined : element.elements.find((child) => child.term === name);
}

export function descriptionOf(root: XmlElement): XmlElement | undefined {
  return childNamed(root, 'rdf:Description');
}

function checkIdentifier(description: XmlElement): Finding[] {
  const found: Finding[] = [];
  const about = attributeOf(description, namespaces.rdf, 'about') ?? '';
  if (!about.startsWith('#') || !isIdentifier(about.slice(1))) {
    found.push({
      code: 'about-format',
      at: description,
      message: `rdf:about is ${JSON.stringify(about.slice(0, 80))}; it must be # and the identifier.`,
    });
  }
  const element = childNamed(description, 'dcterms:identifier');
  if (!element) return found;
  const identifier = textOf(element);
  const problem = valueProblem('dcterms:identifier', identifier, { kind: 'identifier' });
  if (problem) found.push({ code: 'identifier-format', at: element, message: problem.message });
  if (about !== `#${identifier}`) {
    found.push({
      code: 'about-mismatch',
      at: description,
      message: `rdf:about and dcterms:identifier differ; both must name the identifier of the SHA-1.`,
    });
  }
  return found;
}

function checkChecksums(description: XmlElement): Finding[] {
  const found: Finding[] = [];
  const seen = new Set<string>();
  for (const checksum of description.elements.filter((child) => child.term === 'slreq:checksum')) {
    const algorithm = childNamed(checksum, 'slreq:algorithm');
    const value = childNamed(checksum, 'slreq:value');
    if (!algorithm || !value) continue;
    const name = textOf(algorithm);
    const hex = textOf(value);
    if (!/^[0-9A-Fa-f]+$/.test(hex)) {
      found.push({
        code: 'checksum-format',
        at: value,
        message: `The checksum is not hexadecimal; write 0-9 and a-f.`,
      });
    }
    if (!isChecksumAlgorithm(name)) {
      const known = Object.keys(checksumDigits).join(', ');
      found.push({ code: 'checksum-algorithm', at: algorithm, message: `The algorithm must be one of ${known}.` });
      continue;
    }
    if (hex.length !== checksumDigits[name]) {
      found.push({
        code: 'checksum-length',
        at: value,
        message: `${name} has ${checksumDigits[name]} hexadecimal digits; this value has ${hex.length}.`,
      });
    }
    if (seen.has(name)) {
      found.push({
        code: 'checksum-repeated',
        at: checksum,
        message: `There is a second ${name}; keep the right one.`,
      });
    }
    seen.add(name);
    if (name === 'SHA-1' && /^[0-9A-Fa-f]{40}$/.test(hex)) {
      const identifier = childNamed(description, 'dcterms:identifier');
      const right = encodeIdentifier(hex);
      if (identifier && textOf(identifier) !== right) {
        found.push({
          code: 'identifier-mismatch',
          at: identifier,
          message: `The identifier of this SHA-1 is ${right}.`,
        });
      }
    }
  }
  if (!seen.has('SHA-1')) {
    found.push({ code: 'sha1-missing', at: description, message: 'Add the SHA-1: the identifier comes from it.' });
  }
  return found;
}

function checkEndorsement(endorsement: XmlElement, clock: ReadClock): Finding[] {
  const found: Finding[] = [];
  const created = childNamed(endorsement, 'dcterms:created');
  if (created) {
    const text = textOf(created);
    const problem = valueProblem('dcterms:created', text, { kind: 'date' });
    if (problem) found.push({ code: 'date-format', at: created, message: problem.message });
    else if (Date.parse(text) > clock.now.getTime() + clock.skewSeconds * 1000) {
      found.push({
        code: 'created-in-future',
        at: created,
        message: `The endorsement says it was made at ${text}, which is in the future; sign again with a right clock.`,
      });
    }
  }
  const endorser = childNamed(endorsement, 'slreq:endorser');
  for (const part of endorser ? endorser.elements : []) {
    const name = part.term;
    if (name === 'slreq:email' && !isEmail(textOf(part))) {
      found.push({
        code: 'email-format',
        at: part,
        message: `${JSON.stringify(textOf(part).slice(0, 80))} is not an e-mail address such as jane@example.org.`,
      });
    } else if ((name === 'slreq:subject' || name === 'slreq:issuer') && textOf(part).trim() === '') {
      found.push({ code: 'empty-value', at: part, message: `${name} is empty; give the distinguished name.` });
    }
  }
  return found;
}

/** Every value of the description: its form, its range, and whether it fits the others. */
export function checkValues(root: XmlElement, clock: ReadClock): Finding[] {
  const description = descriptionOf(root);
  if (!description) return [];
  const found = [...checkIdentifier(description), ...checkChecksums(description), ...checkWithdrawal(description)];
  for (const element of description.elements) {
    const name = element.term;
    if (name === 'slreq:bytes' && parseCount(textOf(element).trim(), Number.MAX_SAFE_INTEGER) === undefined) {
      found.push({ code: 'bytes-format', at: element, message: 'slreq:bytes must be a whole number below 2^53.' });
    }
    if (name === 'slreq:endorsement') found.push(...checkEndorsement(element, clock));
    const term = terms.get(name);
    // Old documents leave optional elements empty; that reads as absent.
    if (!term || element.elements.length > 0 || (term.least === 0 && textOf(element).trim() === '')) continue;
    const problem = valueProblem(name, textOf(element).trim(), term.value);
    if (problem) found.push({ ...problem, at: element });
  }
  return found;
}
