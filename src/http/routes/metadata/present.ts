// Entries as JSON and XML.
import { type EntryList } from '../../../registry/find.ts';
import { type RegistryEntry } from '../../../registry/entry.ts';

/** Path of an entry's page; the same URL answers JSON and the signed XML. */
export function entryPath({ key }: Pick<RegistryEntry, 'key'>): string {
  return `/metadata/${key.identifier}/${encodeURIComponent(key.email)}/${key.created}`;
}

export function presentEntry(entry: RegistryEntry): Readonly<Record<string, unknown>> {
  const { key, standing, acceptedAt, sha256, weak, metadata, signer, steps } = entry;
  return { ...key, path: entryPath(entry), standing, weak, acceptedAt, sha256, metadata, signer, steps };
}

export function presentList(list: EntryList): Readonly<Record<string, unknown>> {
  const { entries, ...rest } = list;
  return { ...rest, entries: entries.map(presentEntry) };
}

const declaration = /^\uFEFF?\s*<\?xml[^>]*\?>\s*/u;

/** `<metadata>` around the signed documents, each as it was uploaded but for its XML declaration. */
export function listXml(documents: readonly Buffer[]): string {
  const inner = documents.map((document) => document.toString('utf8').replace(declaration, ''));
  return `<?xml version="1.0" encoding="UTF-8"?>\n<metadata>\n${inner.join('\n')}\n</metadata>\n`;
}
