// Structured changes of XML text, for fuzzing: bytes, tags, attributes and whole subtrees, driven by one seed.

/** Numbers from 0 up to, not including, `below`. */
export type Random = (below: number) => number;

/** mulberry32: small, and the same everywhere, so that a seed names a document. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

interface Part {
  readonly start: number;
  readonly end: number;
}

const slice = (text: string, { start, end }: Part): string => text.slice(start, end);
const splice = (text: string, { start, end }: Part, put: string): string =>
  text.slice(0, start) + put + text.slice(end);

function parts(text: string, pattern: RegExp): Part[] {
  return [...text.matchAll(pattern)].map((found) => ({ start: found.index, end: found.index + found[0].length }));
}

const tagsOf = (text: string): Part[] => parts(text, /<[A-Za-z/][^<>]*>/g);
const attributesOf = (text: string): Part[] => parts(text, / [\w:-]+="[^"<>]*"/g);
const textsOf = (text: string): Part[] => parts(text, /(?<=>)[^<>]+(?=<)/g);

/** From the first character of a start tag to the last of its end tag. */
function subtreesOf(text: string): Part[] {
  const open: number[] = [];
  const found: Part[] = [];
  for (const tag of tagsOf(text)) {
    if (text[tag.start + 1] === '/') {
      const start = open.pop();
      if (start !== undefined) found.push({ start, end: tag.end });
    } else if (text[tag.end - 2] === '/') found.push(tag);
    else open.push(tag.start);
  }
  return found;
}

const snippets = [
  '<!--x-->',
  '<!-- <slreq:email>eve@example.org</slreq:email> -->',
  '<![CDATA[x]]>',
  '<![CDATA[',
  ']]>',
  '<?x y?>',
  '<!DOCTYPE x>',
  '&amp;',
  '&lt;',
  '&#0;',
  '&#x41;',
  '&x;',
  '\r',
  '\u0000',
  '\uFEFF',
  '"',
  "'",
  ' xmlns="urn:x"',
  ' xmlns=""',
  ' xmlns:rdf="urn:x"',
  ' xmlns:a="b"',
  ' xml:base="http://example.org/"',
  ' xml:space="preserve"',
  ' Id="x"',
  ' rdf:about="#x"',
  ' rdf:parseType="Literal"',
  '<x/>',
  '<x xmlns="urn:x"><y/></x>',
  '<Object xmlns="http://www.w3.org/2000/09/xmldsig#"/>',
  '<slreq:email>eve@example.org</slreq:email>',
];

type Change = (text: string, random: Random, others: readonly string[]) => string;

const pick = <Item>(items: readonly Item[], random: Random): Item | undefined => items[random(items.length)];

const at = (text: string, random: Random): Part => {
  const place = random(text.length + 1);
  return { start: place, end: place };
};

/** Does something with one of the parts, where there is one. */
function withPart(find: (text: string) => Part[], change: (part: string, random: Random) => string): Change {
  return (text, random) => {
    const part = pick(find(text), random);
    return part ? splice(text, part, change(slice(text, part), random)) : text;
  };
}

const changes: readonly Change[] = [
  // One character, or a stretch of them.
  (text, random) => splice(text, { start: random(text.length), end: text.length }, '') || text,
  (text, random) => {
    const start = random(text.length);
    const code = text.charCodeAt(start) ^ (1 << random(8));
    return splice(text, { start, end: start + 1 }, String.fromCharCode(code));
  },
  (text, random) => {
    const start = random(text.length);
    return splice(text, { start, end: start + random(64) }, '');
  },
  (text, random) => {
    const start = random(text.length);
    return splice(text, at(text, random), text.slice(start, start + random(512)));
  },
  (text, random) => splice(text, at(text, random), pick(snippets, random) ?? ''),
  // Snippets where they mean most: in tags, and between them.
  withPart(tagsOf, (tag, random) => tag.replace(/\/?>$/, (end) => `${pick(snippets, random) ?? ''}${end}`)),
  withPart(tagsOf, (tag, random) => tag + (pick(snippets, random) ?? '')),
  withPart(textsOf, (part, random) => splice(part, at(part, random), pick(snippets, random) ?? '')),
  // Tags, attributes and texts put in the place of others.
  withPart(tagsOf, () => ''),
  withPart(attributesOf, () => ''),
  withPart(attributesOf, (attribute) => attribute + attribute),
  ...[tagsOf, attributesOf, textsOf, subtreesOf].map((find): Change => (text, random, others) => {
    const donor = pick([text, ...others], random) ?? text;
    const from = pick(find(donor), random);
    const to = pick(find(text), random);
    return from && to ? splice(text, to, slice(donor, from)) : text;
  }),
  // Whole subtrees: gone, twice, elsewhere, inside another element, inside a comment.
  withPart(subtreesOf, () => ''),
  withPart(subtreesOf, (tree) => tree + tree),
  withPart(
    subtreesOf,
    (tree, random) => `<${pick(['x', 'rdf:Description', 'rdf:RDF', 'slreq:endorser'], random) ?? 'x'}>${tree}</x>`,
  ),
  withPart(subtreesOf, (tree) => `<x xmlns="urn:x">${tree}</x>`),
  withPart(subtreesOf, (tree) => `<!--${tree}-->`),
  (text, random) => {
    const from = pick(subtreesOf(text), random);
    if (!from) return text;
    const rest = splice(text, from, '');
    const to = pick(tagsOf(rest), random);
    return to ? splice(rest, { start: to.end, end: to.end }, slice(text, from)) : text;
  },
];

/** The text after one to four changes; `others` lend tags and subtrees. */
export function mutate(text: string, random: Random, others: readonly string[]): string {
  let changed = text;
  for (let left = 1 + random(4); left > 0; left -= 1)
    changed = (pick(changes, random) ?? changes[0])?.(changed, random, others) ?? changed;
  return changed;
}
