// Texts that try to be SQL, markup, paths, templates or property names; and whether one of them has become markup.

export const payloads = [
  "' or '1'='1",
  "'; drop table entries; --",
  '1; delete from documents',
  "') union select bytes from documents --",
  '$1::text || pg_sleep(9)',
  'title:* NEAR/0 " OR "a"',
  "a' & !b | ( :*",
  '%27%20or%201=1',
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "' onmouseover='alert(1)",
  '</title></textarea></script><mm-evil>',
  'javascript:alert(1)',
  '\u0000',
  '../../etc/passwd',
  '{{7*7}}${7*7}',
  '__proto__',
  '\u202Egnp.exe',
] as const;

export type Payload = (typeof payloads)[number];

/** Those that an XML document can hold at all (XML 1.0 §2.2). */
export const xmlPayloads = payloads.filter((payload) => payload !== '\u0000');

/** Those that a header can hold at all (RFC 9110 §5.5). */
export const headerPayloads = payloads.filter((payload) => /^[\u0020-\u007E]+$/u.test(payload));

/** Whether a page holds what only a payload would bring: an element of its own, a handler of events, a link that runs. */
export function isLive(page: string): boolean {
  return [...page.matchAll(/<(?:"[^"]*"|[^">])*>/gu)].some(([tag]) => {
    const bare = tag.replaceAll(/"[^"]*"/gu, '""');
    return (
      /^<(?:script>|mm-evil)|<img src=x|\son\w+\s*=/u.test(bare) ||
      /\s(?:href|src|action)="\s*(?:javascript|data|vbscript):/iu.test(tag)
    );
  });
}

const references = { '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'", '&amp;': '&' } as const;

/** The text that a reader of a page sees, tags and all, with the references of HTML resolved. */
export function readerText(page: string): string {
  return page.replaceAll(/&(?:lt|gt|quot|#39|amp);/gu, (found) => references[found as keyof typeof references]);
}
