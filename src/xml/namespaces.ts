// The namespaces of the documents, and the names of their elements as the documents usually write them.

export const namespaces = {
  rdf: 'http://www.w3.org/1999/02/22-rdf-syntax-ns#',
  dcterms: 'http://purl.org/dc/terms/',
  slreq: 'http://mp.stratuslab.eu/slreq#',
  slterms: 'http://mp.stratuslab.eu/slterms#',
  ds: 'http://www.w3.org/2000/09/xmldsig#',
} as const;

export const xmlNamespace = 'http://www.w3.org/XML/1998/namespace';

const prefixes: ReadonlyMap<string, string> = new Map(
  Object.entries(namespaces).map(([prefix, uri]): [string, string] => [uri, prefix]),
);

/** Whether a namespace is ours to interpret; elements of all others are kept and shown. */
export function isInterpreted(namespace: string): boolean {
  return prefixes.has(namespace);
}

/** A name as the documents write it, whichever prefix this one chose: `slreq:bytes`; of other namespaces without one. */
export function termOf(namespace: string, name: string): string {
  const prefix = prefixes.get(namespace);
  return prefix === undefined ? name : `${prefix}:${name}`;
}
