// What images are called, for lists of them that come from elsewhere, such as the cache's.
import { type Database } from '../db/database.ts';
import { type ImageMetadata } from '../metadata/model.ts';

/** Images that one query asks for. */
const together = 500;

/** By identifier, the title that the newest current entry with one gives; images without are left out. One query for each 500. */
export async function titlesOf(db: Database, identifiers: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const titles = new Map<string, string>();
  const asked = [...new Set(identifiers)];
  for (let at = 0; at < asked.length; at += together) {
    const rows = await db.query
      .selectFrom('entries as e')
      .innerJoin('entry_details as d', 'd.id', 'e.id')
      .select(['e.identifier', 'd.metadata'])
      .where('e.identifier', 'in', asked.slice(at, at + together))
      .where('e.replaced_by', 'is', null)
      .orderBy('e.created')
      .execute();
    for (const { identifier, metadata } of rows) {
      const { title } = JSON.parse(metadata) as ImageMetadata;
      if (title !== undefined) titles.set(identifier, title);
    }
  }
  return titles;
}
