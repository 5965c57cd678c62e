// Entries as JSON and XML.
import { type Request } from 'express';
import { entryPath, narrowedPath } from '../../../pages/links.ts';
import { type EntryList } from '../../../registry/find.ts';
import { type RegistryEntry } from '../../../registry/entry.ts';
import { type PathArguments } from './arguments.ts';

export function presentEntry(entry: RegistryEntry): Readonly<Record<string, unknown>> {
  const { key, standing, acceptedAt, sha256, weak, metadata, signer, steps } = entry;
  return { ...key, path: entryPath(key), standing, weak, acceptedAt, sha256, metadata, signer, steps };
}

export function presentList(list: EntryList): Readonly<Record<string, unknown>> {
  const { entries, ...rest } = list;
  return { ...rest, entries: entries.map(presentEntry) };
}

/** The address of the page after this one (RFC 8288), for those who do not read JSON. */
export function nextPage(path: PathArguments, query: Request['query'], cursor: string): string {
  const stated = Object.entries(query).filter((pair): pair is [string, string] => typeof pair[1] === 'string');
  const parameters = new URLSearchParams([...stated.filter(([name]) => name !== 'cursor'), ['cursor', cursor]]);
  return `${narrowedPath(path)}?${parameters.toString()}`;
}

const declaration = /^\uFEFF?\s*<\?xml[^>]*\?>\s*/u;

/** `<metadata>` around the signed documents, each as it was uploaded but for its XML declaration. */
export function listXml(documents: readonly Buffer[]): string {
  const inner = documents.map((document) => document.toString('utf8').replace(declaration, ''));
  return `<?xml version="1.0" encoding="UTF-8"?>\n<metadata>\n${inner.join('\n')}\n</metadata>\n`;
}
