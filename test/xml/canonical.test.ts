// Our canonical writer against libxml2's, over generated documents: the two must never differ by a byte.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { readStrict } from '../../src/xml/document.ts';
import { NotPlainError, readPlain } from '../../src/xml/read-plain.ts';
import { isElement } from '../../src/xml/tree.ts';
import { writeCanonical } from '../../src/xml/write-canonical.ts';

const forms = [
  { exclusive: false, comments: false },
  { exclusive: false, comments: true },
  { exclusive: true, comments: false },
  { exclusive: true, comments: true },
];

const text = fc
  .stringMatching(/^[ -;=?-~é☕\n\t>]{0,12}$/)
  .map((value) => value.replaceAll('&', '&amp;').replaceAll(']]>', ''));
const value = fc.stringMatching(/^[ -!#-%'-;=?-~é\n\t]{0,8}$/);
const declared = fc.uniqueArray(fc.constantFrom('', ':a', ':b', ':c'), { maxLength: 3 });

const { element } = fc.letrec<{ element: string; child: string }>((tie) => ({
  child: fc.oneof(
    { depthSize: 'small' },
    text,
    fc.constant('<!-- note -->'),
    fc.constant('<![CDATA[<&>]]>'),
    fc.constant('&#13;&#9;'),
    tie('element'),
  ),
  element: fc
    .record({
      name: fc.constantFrom('x', 'a:y', 'b:z'),
      prefixes: declared,
      uri: fc.constantFrom('urn:1', 'urn:2'),
      attributes: fc.uniqueArray(fc.constantFrom('k', 'a:k', 'b:l', 'xml:base', 'm'), { maxLength: 4 }),
      value,
      children: fc.array(tie('child'), { maxLength: 4 }),
    })
    .map(({ name, prefixes, uri, attributes, value: plain, children }) => {
      const namespaces = prefixes.map((prefix) => ` xmlns${prefix}="${uri}${prefix}"`).join('');
      const pairs = attributes.map((attribute) => ` ${attribute}="${plain}"`).join('\n');
      return `<${name}${pairs}${namespaces}>${children.join('')}</${name}>`;
    }),
}));

test('both canonical writers agree on any document, in every form', () => {
  fc.assert(
    fc.property(element, fc.constantFrom(...forms), (inside, form) => {
      const source = `<?xml version="1.0"?>\n<root xmlns:a="urn:a" xmlns:b="urn:b">${inside}<last/>\n</root>`;
      const { document } = readStrict(Buffer.from(source));
      if (!document) throw new Error(`not read: ${source}`);
      const last = document.root.children.findLast(isElement);
      const ours = writeCanonical(document.root, form);
      expect(ours).toBe(document.canonical(form, 'nothing')?.toString());
      expect(writeCanonical(document.root, form, last)).toBe(document.canonical(form, 'last-element')?.toString());
      expect(writeCanonical(readPlain(ours), { ...form, exclusive: false })).toBe(ours);
      document[Symbol.dispose]();
    }),
    { numRuns: 500 },
  );
});

test('text that is not plain is refused', () => {
  for (const wrong of [
    '<a',
    '<a/',
    '<a / >',
    "<a b='1'></a>",
    '<a b=1></a>',
    '<a b="<"></a>',
    '<a b="\n"></a>',
    '<a  b="1"></a>',
    '<a b="1"c="2"></a>',
    '<a>&apos;</a>',
    '<a>&#65;</a>',
    '<a>\r</a>',
    '<a><![CDATA[x]]></a>',
    '<a><?p?></a>',
    '<!DOCTYPE a><a></a>',
    '<:a></:a>',
    '<a:></a:>',
    '<a></b>',
    '<a></a><b></b>',
    'x<a></a>',
    '<a:b></a:b>',
  ]) {
    expect(() => readPlain(wrong)).toThrow(NotPlainError);
  }
});
