// Cuts text into the words of the full-text index: the same for what is stored, what is asked, and both databases.
import { type ImageMetadata } from '../metadata/model.ts';

/** Longest word that is kept, in UTF-16 units; the rest of a longer one is not searchable. */
const longestWord = 64;
/** Words of a query that count; later ones are ignored. */
const mostQueryWords = 12;
/** Words of one entry that count. */
const mostEntryWords = 4000;

/** Lower case, without accents; runs of letters and digits. `Ubuntu 10.04-é` gives ubuntu, 10, 04, e. */
export function wordsOf(text: string): readonly string[] {
  const plain = text.normalize('NFKD').replaceAll(/\p{M}/gu, '').toLowerCase();
  return Array.from(plain.matchAll(/[\p{L}\p{Nd}]+/gu), ([word]) => word.slice(0, longestWord));
}

export function queryWords(text: string): readonly string[] {
  return [...new Set(wordsOf(text))].slice(0, mostQueryWords);
}

function foreignTexts(properties: ImageMetadata['foreign']): readonly string[] {
  return properties.flatMap(({ text, children }) => [text, ...foreignTexts(children)]);
}

/** Everything of an entry that a person may search for, checksums included. */
export function entryWords(metadata: ImageMetadata): readonly string[] {
  const { endorsement, checksums } = metadata;
  const texts = [
    metadata.title,
    metadata.os,
    metadata.osVersion,
    metadata.osArch,
    metadata.version,
    metadata.serialNumber,
    metadata.tag,
    metadata.identifier,
    endorsement.endorser.email,
    endorsement.endorser.subject,
    metadata.creator,
    metadata.publisher,
    metadata.type,
    metadata.format,
    metadata.compression,
    metadata.deprecated,
    ...metadata.kinds,
    ...metadata.hypervisors,
    ...Object.values(checksums),
    metadata.description,
    ...metadata.locations,
    ...foreignTexts(metadata.foreign),
  ];
  const words = new Set<string>();
  for (const text of texts) {
    for (const word of wordsOf(text ?? '')) {
      if (words.size >= mostEntryWords) return [...words];
      words.add(word);
    }
  }
  return [...words];
}

/** What titles are sorted by: their words, so that case and punctuation do not matter. */
export function titleKey(metadata: ImageMetadata): string {
  return wordsOf(metadata.title ?? metadata.identifier)
    .join(' ')
    .slice(0, 200);
}
