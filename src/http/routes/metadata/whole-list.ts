// Lists for programs that know of no pages: StratusLab's clients ask once, and take what they get for everything.
import { type EntryList } from '../../../registry/find.ts';
import { pageLimits, type EntryQuery } from '../../../registry/query.ts';
import { type Registry } from '../../../registry/registry.ts';

/** Pages that are put together for one answer: with the usual sizes of documents some ten megabytes. */
const mostPages = 10;

/** The first thousand entries that fit, of one moment, with the cursor of what is left. Throws `registry.cursor`. */
export async function findForXml(registry: Pick<Registry, 'find'>, query: EntryQuery): Promise<EntryList> {
  const first = await registry.find({ ...query, limit: pageLimits.most });
  const entries = [...first.entries];
  let { next } = first;
  for (let pages = 1; pages < mostPages && next !== undefined; pages += 1) {
    const page = await registry.find({ ...query, limit: pageLimits.most, cursor: next });
    entries.push(...page.entries);
    ({ next } = page);
  }
  const { next: _, ...rest } = first;
  return { ...rest, entries, ...(next === undefined ? {} : { next }) };
}
