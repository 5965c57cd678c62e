// Strict base64, as the elements of a signature hold it (XML-Signature §4.4.2).

const pattern = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** The bytes of strict base64, spaces and line breaks aside. Undefined where it is anything else, or nothing at all. */
export function decodeBase64(text: string): Buffer | undefined {
  const packed = text.replaceAll(/[ \t\r\n]/g, '');
  return packed !== '' && pattern.test(packed) ? Buffer.from(packed, 'base64') : undefined;
}
